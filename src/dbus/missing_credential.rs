//! Answers calls to credentials whose token is not attached, is locked, or was not read yet. They have no object on the
//! bus, but a caller may wait for them. Also sends the refusals of the inbound filter.

use std::sync::Arc;

use tokio::sync::mpsc;
use zbus::message::{Flags, Message};
use zbus::{Connection, DBusError};

use super::bridge::Bridge;
use super::error::Error;
use super::inbound::Diverted;
use super::{methods, names, objects};

/// The method that is answered without an object.
const SERVED: &str = "Calculate";

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
    let is_served = methods::of(&header).is_some_and(|method| method.member == SERVED);
    let id = header.path().and_then(names::credential_id).filter(|_| is_served);
    let result = match (id, call.body().deserialize()) {
        (Some(id), Ok(options)) => objects::calculate(bridge, &id, options, &header).await,
        (None, _) => Err(Error::no_object()),
        (_, Err(_)) => {
            Err(Error::invalid("Calculate takes one argument, a dictionary of options; pass an a{sv}"))
        }
    };
    let reply = match result {
        Ok(reply) => Message::method_return(&header).build(&reply)?,
        Err(error) => error.create_reply(&header)?,
    };
    match header.primary().flags().contains(Flags::NO_REPLY_EXPECTED) {
        true => Ok(()),
        false => connection.send(&reply).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_that_may_name_an_absent_object_is_answered() {
        let diverted = methods::METHODS.iter().filter(|method| method.may_name_absent_object);
        assert!(diverted.map(|method| method.member).eq([SERVED]), "answer the new one in this file");
    }
}
