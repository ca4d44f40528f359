//! A client that sends calls of every bad kind as fast as it gets replies, until it is killed.

use std::collections::HashMap;
use std::env;
use std::error::Error;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use futures_util::StreamExt;
use oathbridge::dbus::names::{self, ROOT};
use testkit::client::memfd;
use tokio::sync::Semaphore;
use zbus::message::{Builder, Message, Type};
use zbus::{Fd, MessageStream, OwnedVariant, connection};

const USAGE: &str = "usage: hostile NAME CREDENTIAL TOKEN";

/// The number of calls that wait for replies at once.
const WINDOW: usize = 32;

/// The interface of tokens.
const TOKEN: &str = "io.github.oathbridge.OathBridge1.Token";

/// Longer than any name.
const LONG_TEXT_CHARS: usize = 60_000;

/// The objects of the calls.
struct Target {
    name: String,
    credential: String,
    token: String,
}

/// The kinds of calls: their functions build the messages.
const KINDS: [fn(&Target) -> zbus::Result<Message>; 10] = [
    |to| to.credential("Calculate").build(&nothing()),
    |to| to.credential("Calculate").build(&"the wrong signature"),
    |to| to.credential("NoSuchMember").build(&()),
    |to| to.unlock(memfd(b"wrong password")?),
    |to| to.unlock(OwnedFd::from(std::io::pipe()?.0)),
    |to| to.unlock(OwnedFd::from(UnixStream::pair()?.0)),
    |to| to.unlock(OwnedFd::from(File::open("/")?)),
    |to| to.manager("GetCallerInfo").build(&Fd::from(memfd(b"not wanted")?)),
    |to| to.manager("FindCredentials").build(&HashMap::from([("account", "x".repeat(LONG_TEXT_CHARS))])),
    |to| to.call(ROOT, "org.freedesktop.DBus.Introspectable", "Introspect").build(&()),
];

impl Target {
    fn call<'a>(&'a self, path: &'a str, interface: &'a str, member: &'a str) -> Builder<'a> {
        Message::method_call(path, member).interface(interface).destination(self.name.as_str())
    }

    fn credential<'a>(&'a self, member: &'a str) -> Builder<'a> {
        self.call(&self.credential, names::CREDENTIAL, member)
    }

    fn manager<'a>(&'a self, member: &'a str) -> Builder<'a> {
        self.call(ROOT, names::MANAGER, member)
    }

    fn unlock(&self, secret: OwnedFd) -> zbus::Result<Message> {
        self.call(&self.token, TOKEN, "Unlock").build(&(Fd::from(secret), nothing()))
    }
}

fn nothing() -> HashMap<&'static str, OwnedVariant> {
    HashMap::new()
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = <[String; 3]>::try_from(env::args().skip(1).collect::<Vec<_>>());
    let [name, credential, token] = arguments.map_err(|_| USAGE)?;
    let target = Target { name, credential, token };
    let connection = connection::Builder::session().build().await?;
    let window = Arc::new(Semaphore::new(WINDOW));
    tokio::spawn(count_replies(MessageStream::from(&connection), Arc::clone(&window)));
    for kind in KINDS.iter().cycle() {
        window.acquire().await?.forget();
        connection.send(&kind(&target)?).await?;
    }
    Ok(())
}

/// Lets one more call be sent for each reply.
async fn count_replies(mut messages: MessageStream, window: Arc<Semaphore>) {
    while let Some(Ok(message)) = messages.next().await {
        if matches!(message.message_type(), Type::Error | Type::MethodReturn) {
            window.add_permits(1);
        }
    }
}
