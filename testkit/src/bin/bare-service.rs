//! The minimum work for a code over D-Bus: a service with one object that makes the PC/SC calls in its method.

use std::collections::HashMap;
use std::env;
use std::error::Error;

use testkit::bare::Reader;
use zbus::{OwnedVariant, fdo, interface};

const USAGE: &str = "usage: bare-service NAME PATH READER CREDENTIAL";

struct Credential {
    reader: Reader,
    name: String,
}

#[interface(name = "io.github.oathbridge.OathBridge1.Credential")]
impl Credential {
    /// Blocks the only thread, which has no other work.
    fn calculate(
        &self,
        _options: HashMap<String, OwnedVariant>,
    ) -> fdo::Result<(String, u64, u64, HashMap<String, OwnedVariant>)> {
        let code = self.reader.code(&self.name).map_err(|error| fdo::Error::Failed(error.to_string()))?;
        Ok((code, 0, 0, HashMap::new()))
    }
}

/// Serves one credential with this name and path, until it is killed.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [bus_name, path, reader, credential] = arguments.as_slice() else { return Err(USAGE.into()) };
    let credential = Credential { reader: Reader::new(reader)?, name: credential.clone() };
    let _connection = zbus::connection::Builder::session()
        .serve_at(path.as_str(), credential)
        .name(bus_name.as_str())
        .build()
        .await?;
    std::future::pending().await
}
