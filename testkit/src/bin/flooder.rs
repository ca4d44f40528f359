//! A client that makes very many calls at once.

use std::collections::HashMap;
use std::env;
use std::error::Error;

use futures_util::StreamExt;
use oathbridge::dbus::names;
use zbus::message::{Message, Type};
use zbus::{MessageStream, OwnedVariant, connection};

const USAGE: &str = "usage: flooder NAME PATH COUNT";

/// Sends this number of Calculate calls to a path of a name without waiting for replies, and then waits for all replies.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [name, path, count] = arguments.as_slice() else { return Err(USAGE.into()) };
    let count: usize = count.parse()?;
    let connection = connection::Builder::session().build().await?;
    let mut messages = MessageStream::from(&connection);
    let replies = tokio::spawn(async move {
        let mut left = count;
        while left > 0 {
            match messages.next().await {
                Some(Ok(message)) => {
                    left -= usize::from(matches!(message.message_type(), Type::Error | Type::MethodReturn));
                }
                _ => return false,
            }
        }
        true
    });
    let none = HashMap::<&str, OwnedVariant>::new();
    for _ in 0..count {
        let call = Message::method_call(path.as_str(), "Calculate")
            .destination(name.as_str())
            .interface(names::CREDENTIAL);
        connection.send(&call.build(&none)?).await?;
    }
    if replies.await? { Ok(()) } else { Err("the bus is gone".into()) }
}
