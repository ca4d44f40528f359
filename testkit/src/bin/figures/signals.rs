//! The signals of the daemon.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::time::Duration;

use futures_util::StreamExt;
use rustix::time::{ClockId, clock_gettime};
use zbus::message::Type;
use zbus::{Connection, MatchRule, Message, MessageStream, OwnedVariant};

use super::Failure;
use super::caller::{NAME, ROOT};

/// The timeout for a signal, far longer than any round takes.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The signals since the subscription.
pub(crate) struct Signals(MessageStream);

impl Signals {
    pub(crate) async fn subscribe(connection: &Connection) -> Result<Self, Failure> {
        let rule = MatchRule::builder().msg_type(Type::Signal).sender(NAME).path_namespace(ROOT).build()?;
        let queue = NonZeroUsize::new(1024).ok_or("no queue")?;
        Ok(Self(MessageStream::for_match_rule(rule, connection, Some(queue)).await?))
    }

    /// Waits until objects are removed.
    pub(crate) async fn removed(&mut self) -> Result<(), Failure> {
        self.wait_for("InterfacesRemoved", |_| true).await
    }

    /// Waits until a token is ready. Returns the time of the monotonic clock in nanoseconds.
    pub(crate) async fn ready(&mut self) -> Result<u64, Failure> {
        self.wait_for("PropertiesChanged", is_ready).await?;
        Ok(now())
    }

    async fn wait_for(&mut self, member: &str, is_meant: fn(&Message) -> bool) -> Result<(), Failure> {
        let signal = async {
            loop {
                let signal = self.0.next().await.ok_or("the bus is gone")??;
                if signal.header().member().is_some_and(|name| name == member) && is_meant(&signal) {
                    return Ok(());
                }
            }
        };
        tokio::time::timeout(TIMEOUT, signal).await.map_err(|_| format!("there is no signal {member}"))?
    }
}

/// Whether a signal reports the state `ready` of a token.
fn is_ready(signal: &Message) -> bool {
    type Changes = (String, HashMap<String, OwnedVariant>, Vec<String>);
    let body = signal.body();
    let Ok((interface, changes, _)) = body.deserialize::<Changes>() else { return false };
    let state = changes.get("State").and_then(|state| state.downcast_ref::<&str>().ok());
    interface == format!("{NAME}.Token") && state == Some("ready")
}

/// The time of the monotonic clock, which is the same in all processes, in nanoseconds.
#[expect(clippy::disallowed_methods, reason = "this process is dumpable")]
pub(crate) fn now() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    u64::try_from(i128::from(now.tv_sec) * 1_000_000_000 + i128::from(now.tv_nsec)).unwrap_or_default()
}
