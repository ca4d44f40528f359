//! The minimum work for a code over D-Bus: a service with one object that makes the PC/SC calls, or sends the reports, in its
//! method.

use std::collections::HashMap;
use std::env;
use std::error::Error;
use std::sync::{Mutex, PoisonError};

use oathbridge::device::HidKind;
use testkit::bare::Reader;
use testkit::bare_hid::{Channel, otp_code};
use testkit::hid_node::HidNode;
use zbus::{OwnedVariant, fdo, interface};

const USAGE: &str = "usage: bare-service NAME PATH READER CREDENTIAL
       bare-service NAME PATH fido NODE CREDENTIAL
       bare-service NAME PATH slot NODE SLOT";

type Code = Box<dyn FnMut() -> Result<String, Box<dyn Error>> + Send>;

struct Credential {
    code: Mutex<Code>,
}

#[interface(name = "io.github.oathbridge.OathBridge1.Credential")]
impl Credential {
    /// Blocks the only thread, which has no other work.
    fn calculate(
        &self,
        _options: HashMap<String, OwnedVariant>,
    ) -> fdo::Result<(String, u64, u64, HashMap<String, OwnedVariant>)> {
        let mut code = self.code.lock().unwrap_or_else(PoisonError::into_inner);
        let code = code().map_err(|error| fdo::Error::Failed(error.to_string()))?;
        Ok((code, 0, 0, HashMap::new()))
    }
}

/// The source of the codes that the arguments name.
fn source(arguments: &[String]) -> Result<Code, Box<dyn Error>> {
    match arguments {
        [reader, credential] => {
            let (reader, credential) = (Reader::new(reader)?, credential.clone());
            Ok(Box::new(move || Ok(reader.code(&credential)?)))
        }
        [kind, node, credential] if kind == "fido" => {
            // The service ends with its process.
            let node = Box::leak(Box::new(HidNode::open(node, HidKind::Fido)?));
            let (mut channel, credential) = (Channel::allocate(node)?, credential.clone());
            Ok(Box::new(move || Ok(channel.code(&credential)?)))
        }
        [kind, node, slot] if kind == "slot" => {
            let (mut node, slot) = (HidNode::open(node, HidKind::Keyboard)?, slot.parse()?);
            Ok(Box::new(move || Ok(otp_code(&mut node, slot)?)))
        }
        _ => Err(USAGE.into()),
    }
}

/// Serves one credential with this name and path, until it is killed.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [bus_name, path, source @ ..] = arguments.as_slice() else { return Err(USAGE.into()) };
    let credential = Credential { code: Mutex::new(self::source(source)?) };
    let _connection = zbus::connection::Builder::session()
        .serve_at(path.as_str(), credential)
        .name(bus_name.as_str())
        .build()
        .await?;
    std::future::pending().await
}
