//! Receives the signals of one service, without ever blocking the connection.
//!
//! zbus stops reading from the bus, replies included, while any queue of the connection is full. So a task that waits for
//! a reply before it takes the next signal can block for ever after a burst of signals. zbus also accepts unicast signals
//! from any sender, even if the match rule names the well-known name of a service as the sender.

use futures_util::StreamExt;
use zbus::message::{Message, Type};
use zbus::names::{BusName, OwnedUniqueName};
use zbus::{Connection, MatchRule, MessageStream, fdo};

/// The name of the bus itself; no connection can have it.
const BUS: &str = "org.freedesktop.DBus";

/// An event of the service.
#[derive(Clone, Copy, Debug)]
pub enum ServiceEvent<'message> {
    /// The service sent a signal that matches the rule.
    Signal(&'message Message),
    /// The service has appeared on the bus, or another process has taken its name.
    Arrived,
    /// The service is not on the bus.
    Left,
}

/// Calls `on_event` for every event of a service, first with [`ServiceEvent::Arrived`] or [`ServiceEvent::Left`]. Ends with
/// the connection.
///
/// `on_event` must not wait: it records the event, and another task handles it.
///
/// # Errors
///
/// The bus refused a match rule, or the connection was lost.
pub async fn listen(
    connection: &Connection,
    service: &str,
    rule: MatchRule<'_>,
    mut on_event: impl FnMut(ServiceEvent<'_>),
) -> zbus::Result<()> {
    // Created before the first call, so that no queue fills up from here on.
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
                    on_event(if now.is_some() { ServiceEvent::Arrived } else { ServiceEvent::Left });
                    owner = Some(now);
                } else if is_from(&message, owner.as_ref()) && rule.matches(&message)? {
                    on_event(ServiceEvent::Signal(&message));
                }
            }
            asked = &mut asking => {
                let asked = asked?;
                // A signal that arrived meanwhile is newer than this reply.
                if owner.is_none() {
                    on_event(if asked.is_some() { ServiceEvent::Arrived } else { ServiceEvent::Left });
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

/// Adds both match rules, and returns the current owner of the service's name.
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

/// The new owner of the service's name, if this message reports one.
fn new_owner(message: &Message, changes: &MatchRule<'_>) -> Option<Option<OwnedUniqueName>> {
    let is_of_the_bus = message.header().sender().is_some_and(|sender| sender.as_str() == BUS);
    if !is_of_the_bus || !changes.matches(message).unwrap_or(false) {
        return None;
    }
    let body = message.body();
    let (_, _, now): (&str, &str, &str) = body.deserialize().ok()?;
    Some(OwnedUniqueName::try_from(now).ok())
}

/// Whether the owner of the name sent the message; the bus itself writes the sender into each message.
fn is_from(message: &Message, owner: Option<&Option<OwnedUniqueName>>) -> bool {
    let header = message.header();
    let (Some(sender), Some(Some(owner))) = (header.sender(), owner) else { return false };
    sender.as_str() == owner.as_str()
}
