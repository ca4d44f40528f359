//! Shows the wait of a request, from the signals of its operation. Only the daemon's own signals count, because the user
//! acts on what is shown.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use zbus::message::{Message, Type};
use zbus::{Connection, MatchRule, ObjectPath, OwnedVariant, Variant};

use super::Failure;
use super::asked::Asked;
use super::bus::{Bus, REPLY_TIMEOUT, within};
use super::proxies::Options;
use super::tree::{Credential, Tree};
use super::wait::{Phase, announced};
use crate::clock::{Clock, SystemClock};
use crate::dbus::names;
use crate::operations::Deadline;
use crate::otp::{Period, Step};
use crate::signals::{self, ServiceEvent};

/// The `handle-token` of this program's operation; the program has one operation at a time.
const HANDLE: &str = "oathbridgectl";

/// Receives the daemon's signals while it is polled.
type Listening = Pin<Box<dyn Future<Output = zbus::Result<()>>>>;

/// The content of the daemon's signals.
#[derive(Clone, Default)]
struct Heard {
    /// The match rule is active: no later signal is missed.
    is_listening: bool,
    state: Option<String>,
    /// The path of the credential.
    credential: Option<String>,
}

/// Follows one request that this program makes.
pub(super) struct Follower<'tree> {
    bus: &'tree Bus,
    operation: ObjectPath<'static>,
    /// Shows no waits.
    is_quiet: bool,
    tree: &'tree Tree,
    listening: Listening,
    heard: watch::Receiver<Heard>,
    clock: SystemClock,
    deadline: Deadline,
    state: String,
    /// `None` until the daemon has reported the credential.
    credential: Option<&'tree Credential>,
}

impl<'tree> Follower<'tree> {
    /// Subscribes before the request is made, so that no signal is missed.
    pub(super) async fn new(
        bus: &'tree Bus,
        tree: &'tree Tree,
        credential: Option<&'tree Credential>,
        timeout: Duration,
    ) -> Result<Self, Failure> {
        let connection = bus.connection().clone();
        let caller = connection.unique_name().map_or("", |name| name.as_str());
        let operation = names::operation(caller, Some(HANDLE), 0);
        let (hearing, mut heard) = watch::channel(Heard::default());
        let mut listening: Listening = Box::pin(listen(connection, operation.clone(), hearing));
        let ready = async {
            tokio::select! {
                ended = &mut listening => ended,
                // An error means that the listener has ended.
                _ = heard.wait_for(|heard| heard.is_listening) => Ok(()),
            }
        };
        within(REPLY_TIMEOUT, ready).await??;
        let clock = SystemClock::new();
        let deadline = Deadline::after(timeout, &clock);
        let (state, is_quiet) = ("queued".to_owned(), false);
        Ok(Self { bus, operation, is_quiet, tree, listening, heard, clock, deadline, state, credential })
    }

    /// Shows no waits if the user wants none.
    pub(super) fn quietly(self, is_quiet: bool) -> Self {
        Self { is_quiet, ..self }
    }

    /// Adds the option that makes the request the followed one.
    pub(super) fn add_handle(options: &mut Options<'_>) {
        options.insert("handle-token", HANDLE.into());
    }

    /// Makes the request, and shows what it waits for. A failure is explained with what the user asked.
    pub(super) async fn during<T>(
        mut self,
        asked: &Asked,
        request: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let (bus, operation) = (self.bus, self.operation.clone());
        let (phase, phases) = watch::channel(self.phase());
        let is_quiet = self.is_quiet;
        let follow = async {
            loop {
                tokio::select! {
                    // The bus connection is lost, so the request is about to fail.
                    _ = &mut self.listening => std::future::pending().await,
                    Ok(()) = self.heard.changed() => {}
                }
                self.take();
                phase.send_replace(self.phase());
            }
        };
        let result = tokio::select! {
            done = announced(phases, is_quiet, request) => done,
            () = follow => std::future::pending().await,
        };
        match result {
            Err(failure) if failure.is_reply() => {
                Err(failure.explained(asked, &bus.details(&operation).await))
            }
            result => result,
        }
    }

    fn take(&mut self) {
        let heard = self.heard.borrow_and_update().clone();
        if let Some(state) = heard.state {
            self.state = state;
        }
        if let Some(path) = heard.credential {
            self.credential = self.tree.credentials.iter().find(|known| known.path == path);
        }
    }

    fn phase(&self) -> Phase {
        let token = self.credential.map(|credential| self.tree.token_label(credential));
        let token = token.map_or_else(|| "the token".to_owned(), |label| format!("the token {label}"));
        let (clock, deadline) = (&self.clock, self.deadline);
        let (text, limit) = match self.state.as_str() {
            "waiting-token" => (format!("Plug in {token}"), deadline.person(clock)),
            "waiting-unlock" => {
                (format!("Unlock {token}, for example with `oathbridgectl unlock`"), deadline.person(clock))
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

async fn listen(
    connection: Connection,
    operation: ObjectPath<'static>,
    hearing: watch::Sender<Heard>,
) -> zbus::Result<()> {
    let rule = MatchRule::builder().msg_type(Type::Signal).sender(names::BUS).path(operation).build()?;
    let note = |told: ServiceEvent<'_>| {
        hearing.send_if_modified(|heard| match told {
            ServiceEvent::Signal(signal) => heard.take(signal).is_some(),
            ServiceEvent::Arrived | ServiceEvent::Left => !std::mem::replace(&mut heard.is_listening, true),
        });
    };
    signals::listen(&connection, names::BUS, rule, note).await
}

impl Heard {
    /// Applies a `PropertiesChanged` signal; `None` for a signal of another kind.
    fn take(&mut self, signal: &Message) -> Option<()> {
        let body = signal.body();
        let (_, changed, _): (String, HashMap<String, OwnedVariant>, Vec<String>) =
            body.deserialize().ok()?;
        if let Some(Variant::Str(state)) = changed.get("State").map(|value| &**value) {
            self.state = Some(state.to_string());
        }
        if let Some(Variant::ObjectPath(path)) = changed.get("Credential").map(|value| &**value) {
            self.credential = Some(path.to_string());
        }
        Some(())
    }
}
