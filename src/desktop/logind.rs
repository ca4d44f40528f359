//! Locked screens, active sessions and suspend, from systemd-logind (org.freedesktop.login1(5)).
//!
//! This is level-triggered: after every signal of logind the state is read again. So a new session and a restart of
//! logind need no special case. Nor does a restart of the system bus: the last state stays valid until logind reports
//! another one.

use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use zbus::message::Type;
use zbus::{Connection, MatchRule};

pub use super::event::{Event, Release};
use super::kept_requests::KeptRequests;
use super::lock_requests::LockRequests;
use super::login1::SERVICE;
use super::logind_connection::{LogindConnection, late, lateness};
use super::logind_state::LogindState;
use super::outage::Outage;
use super::sessions::Sessions;
use crate::dbus::{ScreenLock, SystemBus};
use crate::signals::{self, ServiceEvent};

/// Sends events until the receiver is dropped. If the system bus is missing or lost, it tries to connect again.
/// Requests to lock a session are kept in the `folder`, if there is one. logind and the bus have `reply_timeout` for each
/// answer. At the beginning the screen counts as [`ScreenLock::Unknown`], and [`Event::Screen`] tells what differs.
pub async fn watch(events: mpsc::Sender<Event>, folder: Option<PathBuf>, reply_timeout: Duration) {
    let mut kept = KeptRequests::new(folder);
    let mut reported = Reported { lock_requests: kept.read().await, ..Reported::default() };
    // logind may be late with the answer that says more, or never give it.
    if reported.lock_requests.may_lock() {
        let requested = Sessions { screen: ScreenLock::Requested, ..reported.sessions };
        requested.show(&mut reported.sessions, &events).await;
    }
    let (bus, outage) = (SystemBus::default(), Outage::default());
    let mut watch = Watch { bus, events, reply_timeout, outage, kept, reported };
    while !watch.events.is_closed() {
        let ended = watch.follow().await;
        watch.reconnect(ended).await;
    }
}

/// What outlives a connection to the system bus.
struct Watch {
    bus: SystemBus,
    events: mpsc::Sender<Event>,
    reply_timeout: Duration,
    outage: Outage,
    kept: KeptRequests,
    reported: Reported,
}

impl Watch {
    /// Sends events until the receiver is dropped, or the system bus is missing or lost.
    async fn follow(&mut self) -> zbus::Result<()> {
        let listening = timeout(self.reply_timeout, self.bus.listen()).await.unwrap_or_else(|_| Err(late()));
        let is_missing = listening.as_ref().is_err_and(SystemBus::is_missing);
        let state = watch::Sender::new(self.reported.before_first_event());
        let ended = match listening {
            Ok(connection) => self.follow_on(connection, &state).await,
            Err(error) => Err(error),
        };
        let state = state.borrow().clone();
        self.reported.was_there = state.was_there;
        self.reported.lock_requests = state.lock_requests;
        // Anything but a missing bus may hide a logind.
        let sessions = match (is_missing || state.is_known) && !state.was_there {
            true => self.reported.sessions.without_logind(),
            false => self.reported.sessions.in_doubt(),
        };
        sessions.show(&mut self.reported.sessions, &self.events).await;
        ended
    }

    async fn follow_on(
        &mut self,
        connection: Connection,
        state: &watch::Sender<LogindState>,
    ) -> zbus::Result<()> {
        let rule = MatchRule::builder().msg_type(Type::Signal).sender(SERVICE).build()?;
        let on_event = |event: ServiceEvent<'_>| {
            self.outage.end();
            state.send_if_modified(|state| state.apply(event));
        };
        let (bus, events, reply_timeout) = (self.bus.clone(), self.events.clone(), self.reply_timeout);
        let logind = LogindConnection { bus, connection: connection.clone(), events, reply_timeout };
        let reported = &mut self.reported;
        tokio::select! {
            ended = signals::listen(&connection, SERVICE, rule, on_event) => ended,
            error = lateness(state.subscribe(), reply_timeout) => Err(error),
            _ = logind.follow_sleep(state.subscribe(), &mut reported.is_asleep) => Ok(()),
            _ = logind.follow_sessions(state, &mut reported.sessions) => Ok(()),
            _ = self.kept.follow(state.subscribe()) => Ok(()),
            () = self.events.closed() => Ok(()),
        }
    }

    /// Waits until the next attempt to connect.
    async fn reconnect(&mut self, ended: zbus::Result<()>) {
        // Without the bus no signal will report the end of the suspend.
        if self.reported.is_asleep && self.events.send(Event::Awake).await.is_ok() {
            self.reported.is_asleep = false;
        }
        // An error means that the daemon is ending.
        let _ = self.events.send(Event::Answered { is_known: false }).await;
        let pause = self.pause(ended);
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = self.events.closed() => {}
        }
    }

    /// The pause before the next attempt, after this end of the last one.
    fn pause(&mut self, ended: zbus::Result<()>) -> Duration {
        let is_missing = ended.as_ref().is_err_and(SystemBus::is_missing);
        let why = ended.map_or_else(|error| error.to_string(), |()| "the connection was closed".to_owned());
        self.outage.begin(&why);
        self.outage.pause(self.reported.sessions.is_urgent(is_missing))
    }
}

/// The state of the last events. It is changed only after an event was sent, because sending may be interrupted.
#[derive(Debug, Default)]
struct Reported {
    sessions: Sessions,
    is_asleep: bool,
    lock_requests: LockRequests,
    /// Whether logind has ever been on the bus.
    was_there: bool,
}

impl Reported {
    fn before_first_event(&self) -> LogindState {
        LogindState::of(self.lock_requests.clone(), self.was_there)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, ErrorKind};

    use super::*;

    fn ended(kind: ErrorKind) -> zbus::Result<()> {
        Err(io::Error::from(kind).into())
    }

    /// The pauses in this state, in seconds, one for each attempt that ended with such an error.
    fn pauses(
        watch: &mut Watch,
        screen: ScreenLock,
        is_active: Option<bool>,
        kinds: &[ErrorKind],
    ) -> Vec<u64> {
        watch.reported.sessions = Sessions { screen, is_active };
        kinds.iter().map(|kind| watch.pause(ended(*kind)).as_secs()).collect()
    }

    /// Short pauses do not lengthen later ones.
    #[test]
    fn pauses_stay_short_while_only_logind_can_end_the_refusal_of_codes() {
        use ErrorKind::{NotFound, TimedOut};
        let (events, _receiver) = mpsc::channel(1);
        let mut watch = Watch {
            bus: SystemBus::default(),
            events,
            reply_timeout: Duration::ZERO,
            outage: Outage::default(),
            kept: KeptRequests::new(None),
            reported: Reported::default(),
        };
        for kind in [NotFound, TimedOut] {
            assert_eq!(pauses(&mut watch, ScreenLock::Unknown, None, &[kind; 3]), [1, 1, 1]);
        }
        assert_eq!(pauses(&mut watch, ScreenLock::Requested, None, &[TimedOut; 3]), [1, 1, 1]);
        assert_eq!(pauses(&mut watch, ScreenLock::Unlocked, Some(true), &[NotFound; 2]), [1, 16]);
        assert_eq!(pauses(&mut watch, ScreenLock::Unknown, None, &[NotFound]), [1]);
        assert_eq!(pauses(&mut watch, ScreenLock::Locked, Some(true), &[TimedOut]), [128]);
        for (is_active, kind) in [(Some(true), TimedOut), (None, NotFound)] {
            assert_eq!(pauses(&mut watch, ScreenLock::Requested, is_active, &[kind]), [128], "{kind:?}");
        }
        let closed = watch.pause(Ok(()));
        assert_eq!(closed.as_secs(), 1, "a closed connection does not mean that the bus is missing");
    }
}
