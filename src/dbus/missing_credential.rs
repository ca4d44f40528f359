//! Answers calls to credentials whose token is not attached, is locked, or was not read yet. They have no object on the
//! bus, but a caller may wait for them. Also sends the refusals of the inbound filter.

use std::sync::Arc;

use tokio::sync::mpsc;
use zbus::message::{Flags, Message};
use zbus::{Connection, DBusError};

use super::bridge::Bridge;
use super::error::Error;
use super::inbound::Diverted;
use super::{names, objects};

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
    let result = match (header.path().and_then(names::credential_id), call.body().deserialize()) {
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
