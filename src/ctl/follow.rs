//! What a request waits for, as its operation on the bus tells it.

use std::collections::HashMap;
use std::future::Future;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use tokio::sync::watch;
use zbus::message::{Message, Type};
use zbus::{MatchRule, MessageStream, OwnedVariant, Variant};

use super::Failure;
use super::bus::{Bus, Options};
use super::tree::{Credential, Tree};
use super::wait::{Phase, announced};
use crate::clock::{Clock, SystemClock};
use crate::dbus::names;
use crate::operations::Deadline;
use crate::otp::{Period, Step};

/// What this program calls its operation; it has one at a time.
const HANDLE: &str = "oathbridgectl";

/// Follows one request that this program makes.
pub(super) struct Follower<'tree> {
    tree: &'tree Tree,
    signals: MessageStream,
    clock: SystemClock,
    deadline: Deadline,
    state: String,
    /// Nothing while the daemon hasn't said which one it takes.
    credential: Option<&'tree Credential>,
}

impl<'tree> Follower<'tree> {
    /// Listens, before the request is made, so that nothing is missed.
    pub(super) async fn new(
        bus: &Bus,
        tree: &'tree Tree,
        credential: Option<&'tree Credential>,
        timeout: Duration,
    ) -> Result<Self, Failure> {
        let caller = bus.connection().unique_name().map_or("", |name| name.as_str());
        let rule = MatchRule::builder()
            .msg_type(Type::Signal)
            .sender(names::BUS)
            .path(names::operation(caller, Some(HANDLE), 0))
            .build()?
            .to_owned();
        let signals = MessageStream::for_match_rule(rule, bus.connection(), None).await?;
        let clock = SystemClock::new();
        let deadline = Deadline::after(timeout, &clock);
        Ok(Self { tree, signals, clock, deadline, state: "queued".to_owned(), credential })
    }

    /// The options that make the request the one that is followed.
    pub(super) fn mark(options: &mut Options<'_>) {
        options.insert("handle-token", HANDLE.into());
    }

    /// Makes the request, and says what it waits for.
    pub(super) async fn during<T>(mut self, request: impl Future<Output = T>) -> T {
        let (phase, phases) = watch::channel(self.phase());
        let follow = async {
            while let Some(signal) = self.signals.next().await {
                if signal.is_ok_and(|signal| self.take(&signal).is_some()) {
                    phase.send_replace(self.phase());
                }
            }
            // The bus is gone, and the request is about to fail.
            std::future::pending().await
        };
        tokio::select! {
            done = announced(phases, request) => done,
            () = follow => std::future::pending().await,
        }
    }

    /// Takes over what a signal tells; nothing if it is about something else.
    fn take(&mut self, signal: &Message) -> Option<()> {
        let body = signal.body();
        let (_, changed, _): (String, HashMap<String, OwnedVariant>, Vec<String>) =
            body.deserialize().ok()?;
        if let Some(Variant::Str(state)) = changed.get("State").map(|value| &**value) {
            self.state = state.to_string();
        }
        if let Some(Variant::ObjectPath(path)) = changed.get("Credential").map(|value| &**value) {
            self.credential = self.tree.credentials.iter().find(|known| known.path == path.as_str());
        }
        Some(())
    }

    fn phase(&self) -> Phase {
        let token = self.credential.map(|credential| self.tree.token_label(credential));
        let token = token.map_or_else(|| "the token".to_owned(), |label| format!("the token {label}"));
        let (clock, deadline) = (&self.clock, self.deadline);
        let (text, limit) = match self.state.as_str() {
            "waiting-token" => (format!("Plug in {token}"), deadline.person(clock)),
            "waiting-unlock" => {
                (format!("Unlock {token}, with oathbridgectl unlock for example"), deadline.person(clock))
            }
            "waiting-touch" => (self.touch(&token), deadline.touch(clock)),
            "waiting-step" => ("Waiting for the next time step".to_owned(), self.until_next_step()),
            "submitting" => ("Waiting for the answer of Amazon Cognito".to_owned(), deadline.left(clock)),
            _ => (format!("Waiting for {token}"), deadline.left(clock)),
        };
        Phase { text, end: Instant::now() + limit }
    }

    fn touch(&self, token: &str) -> String {
        match self.credential.map(|credential| credential.touch_required.as_str()) {
            Some("unknown") => format!("Touch {token} if it blinks"),
            _ => format!("Touch {token} now"),
        }
    }

    fn until_next_step(&self) -> Duration {
        let period = self.credential.and_then(|credential| Period::new(credential.period).ok());
        let (period, now) = (period.unwrap_or(Period::DEFAULT), self.clock.unix_time());
        Step::at(now, period).next().start(period).saturating_sub(now)
    }
}
