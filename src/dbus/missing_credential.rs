//! Answers calls to credentials whose token is not attached, is locked, or was not read yet. They have no object on the
//! bus, but a caller may wait for them. Also sends the refusals of the inbound filter.

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;
use zbus::message::{Flags, Header, Message};
use zbus::{Connection, DBusError, Type};

use super::bridge::Bridge;
use super::error::Error;
use super::inbound::Diverted;
use super::{methods, names, objects};

/// Runs until the bus is lost.
pub(super) async fn run(connection: Connection, bridge: Arc<Bridge>, mut diverted: mpsc::Receiver<Diverted>) {
    while let Some(diverted) = diverted.recv().await {
        match diverted {
            Diverted::Call(call) => {
                let (connection, bridge) = (connection.clone(), Arc::clone(&bridge));
                tokio::spawn(async move { told(answer(&connection, &bridge, &call).await) });
            }
            Diverted::Refusal(reply) => told(connection.send(&reply).await),
        }
    }
}

fn told(sent: zbus::Result<()>) {
    if let Err(error) = sent {
        tracing::debug!("a reply could not be sent: {error}");
    }
}

async fn answer(connection: &Connection, bridge: &Arc<Bridge>, call: &Message) -> zbus::Result<()> {
    let header = call.header();
    let method = methods::of(&header).map(|method| method.member);
    let reply = match header.path().and_then(names::credential_id).zip(method) {
        Some((id, "Calculate")) => {
            match arguments(call, "one argument, a dictionary of options; pass an a{sv}") {
                Ok(options) => reply(&header, objects::calculate(bridge, &id, options, &header).await),
                Err(error) => error.create_reply(&header),
            }
        }
        Some((id, "Remove")) => match arguments(call, "one argument, a dictionary of options; pass an a{sv}")
        {
            Ok(options) => reply(&header, objects::remove(bridge, &id, options, &header).await),
            Err(error) => error.create_reply(&header),
        },
        Some((id, "Rename")) => match arguments(call, "an issuer, an account and options; pass an ssa{sv}") {
            Ok(arguments) => reply(&header, objects::rename(bridge, &id, arguments, &header).await),
            Err(error) => error.create_reply(&header),
        },
        _ => Error::no_object().create_reply(&header),
    }?;
    match header.primary().flags().contains(Flags::NO_REPLY_EXPECTED) {
        true => Ok(()),
        false => connection.send(&reply).await,
    }
}

/// The arguments of a call; `takes` says what they are.
fn arguments<T: DeserializeOwned + Type>(call: &Message, takes: &str) -> Result<T, Error> {
    let member = call.header().member().map(ToString::to_string).unwrap_or_default();
    call.body().deserialize().map_err(|_| Error::invalid(format!("{member} takes {takes}")))
}

fn reply<T: Serialize + Type>(header: &Header<'_>, result: Result<T, Error>) -> zbus::Result<Message> {
    match result {
        Ok(reply) => Message::method_return(header).build(&reply),
        Err(error) => error.create_reply(header),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_that_may_name_an_absent_object_is_answered() {
        let diverted = methods::METHODS.iter().filter(|method| method.may_name_absent_object);
        let served = ["Calculate", "Remove", "Rename"];
        assert!(diverted.map(|method| method.member).eq(served), "answer the new one in this file");
    }
}
