//! Calls of the daemon.

use std::collections::HashMap;

use zbus::{Connection, Message, OwnedObjectPath, OwnedVariant, Variant};

use super::Failure;

pub(crate) const NAME: &str = "io.github.oathbridge.OathBridge1";
pub(crate) const ROOT: &str = "/io/github/oathbridge/OathBridge1";

/// Options of a call.
pub(crate) type Map<'a> = HashMap<&'a str, Variant<'a>>;

/// Calls a method of the daemon.
pub(crate) async fn call<B>(
    connection: &Connection,
    path: &str,
    interface: &str,
    member: &str,
    body: &B,
) -> Result<Message, Failure>
where
    B: serde::Serialize + zbus::Type,
{
    let interface = format!("{NAME}.{interface}");
    Ok(connection.call_method(Some(NAME), path, Some(interface.as_str()), member, body).await?)
}

/// The path of the credential of an account.
pub(crate) async fn credential(connection: &Connection, account: &str) -> Result<OwnedObjectPath, Failure> {
    let wanted = HashMap::from([("account", account)]);
    let reply = call(connection, ROOT, "Manager", "FindCredentials", &wanted).await?;
    let (found, _): (Vec<OwnedObjectPath>, Vec<OwnedObjectPath>) = reply.body().deserialize()?;
    Ok(found.into_iter().next().ok_or("the card's credential isn't there")?)
}

/// Asks a service that has the method of the daemon, or the daemon itself, for a code.
pub(crate) async fn calculate(
    connection: &Connection,
    name: &str,
    credential: &OwnedObjectPath,
) -> Result<(), Failure> {
    let interface = format!("{NAME}.Credential");
    let (path, interface) = (credential.as_str(), Some(interface.as_str()));
    let reply = connection.call_method(Some(name), path, interface, "Calculate", &Map::new()).await?;
    let (code, ..): (String, u64, u64, HashMap<String, OwnedVariant>) = reply.body().deserialize()?;
    if (6..=8).contains(&code.len()) { Ok(()) } else { Err("this is no code".into()) }
}
