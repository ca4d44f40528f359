//! The minimum work to refuse calls: a service that answers each call of the daemon's methods with an error.

use std::collections::HashMap;
use std::env;
use std::error::Error;

use oathbridge::dbus::names;
use zbus::{OwnedVariant, fdo, interface};

const USAGE: &str = "usage: bare-refusal NAME PATH";

struct Credential;

#[interface(name = "io.github.oathbridge.OathBridge1.Credential")]
impl Credential {
    fn calculate(&self, _options: HashMap<String, OwnedVariant>) -> fdo::Result<()> {
        Err(busy())
    }
}

struct Manager;

#[interface(name = "io.github.oathbridge.OathBridge1.Manager")]
impl Manager {
    fn get_caller_info(&self) -> fdo::Result<()> {
        Err(busy())
    }
}

fn busy() -> fdo::Error {
    fdo::Error::LimitsExceeded("Busy.".to_owned())
}

/// Serves one credential with this name and path, and the manager, until it is killed.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [bus_name, path] = arguments.as_slice() else { return Err(USAGE.into()) };
    let _connection = zbus::connection::Builder::session()
        .serve_at(path.as_str(), Credential)
        .serve_at(names::ROOT, Manager)
        .name(bus_name.as_str())
        .build()
        .await?;
    std::future::pending().await
}
