//! Signals of one service of a bus, heard without ever keeping the connection waiting.
//!
//! zbus reads nothing more from the bus, replies included, while any queue of the connection is full. So whoever waits
//! for a reply before it takes the next signal is stopped for good by a burst of them. And it lets all signals pass that
//! somebody sends to this connection alone, whatever well-known name a rule wants as their sender.

use futures_util::StreamExt;
use zbus::message::{Message, Type};
use zbus::names::{BusName, OwnedUniqueName};
use zbus::{Connection, MatchRule, MessageStream, fdo};

/// The bus itself, which is no connection and can't be mistaken for one.
const BUS: &str = "org.freedesktop.DBus";

/// What became of the service.
#[derive(Clone, Copy, Debug)]
pub enum Told<'message> {
    /// It sent a signal that fits the rule.
    Signal(&'message Message),
    /// It is there, or another process is it now.
    Arrived,
    /// Nobody is it.
    Left,
}

/// Tells `hear` what a service sends, and first of all whether it is there. Ends with the connection.
///
/// Nothing in `hear` may wait: it takes a note, and somebody else acts upon it.
///
/// # Errors
///
/// When the bus refuses a rule, or is lost.
pub async fn listen(
    connection: &Connection,
    service: &str,
    rule: MatchRule<'_>,
    mut hear: impl FnMut(Told<'_>),
) -> zbus::Result<()> {
    // Before the first call: from here on no queue fills up.
    let mut messages = MessageStream::from(connection);
    let changes = owner_changes(service)?;
    let asking = std::pin::pin!(subscribe(connection, service, &changes, &rule));
    let mut asking = futures_util::future::FutureExt::fuse(asking);
    let mut owner = None;
    loop {
        tokio::select! {
            message = messages.next() => {
                let Some(message) = message else { return Ok(()) };
                let message = message?;
                if let Some(now) = new_owner(&message, &changes) {
                    hear(if now.is_some() { Told::Arrived } else { Told::Left });
                    owner = Some(now);
                } else if is_of(&message, owner.as_ref()) && rule.matches(&message)? {
                    hear(Told::Signal(&message));
                }
            }
            asked = &mut asking => {
                let asked = asked?;
                // What was told meanwhile is newer.
                if owner.is_none() {
                    hear(if asked.is_some() { Told::Arrived } else { Told::Left });
                    owner = Some(asked);
                }
            }
        }
    }
}

fn owner_changes(service: &str) -> zbus::Result<MatchRule<'_>> {
    let rule = MatchRule::builder().msg_type(Type::Signal).sender(BUS).interface(BUS);
    rule.member("NameOwnerChanged").arg(0, service).build()
}

/// Has the bus send both, and tells who is the service now.
async fn subscribe(
    connection: &Connection,
    service: &str,
    changes: &MatchRule<'_>,
    rule: &MatchRule<'_>,
) -> zbus::Result<Option<OwnedUniqueName>> {
    let bus = fdo::DBusProxy::new(connection).await?;
    bus.add_match_rule(changes.clone()).await?;
    bus.add_match_rule(rule.clone()).await?;
    match bus.get_name_owner(BusName::try_from(service)?).await {
        Ok(owner) => Ok(Some(owner)),
        Err(fdo::Error::NameHasNoOwner(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Who is the service from this message on, if that is what it says.
fn new_owner(message: &Message, changes: &MatchRule<'_>) -> Option<Option<OwnedUniqueName>> {
    let is_of_the_bus = message.header().sender().is_some_and(|sender| sender.as_str() == BUS);
    if !is_of_the_bus || !changes.matches(message).unwrap_or(false) {
        return None;
    }
    let body = message.body();
    let (_, _, now): (&str, &str, &str) = body.deserialize().ok()?;
    Some(OwnedUniqueName::try_from(now).ok())
}

/// The bus itself writes into each message who sent it.
fn is_of(message: &Message, owner: Option<&Option<OwnedUniqueName>>) -> bool {
    let header = message.header();
    let (Some(sender), Some(Some(owner))) = (header.sender(), owner) else { return false };
    sender.as_str() == owner.as_str()
}
