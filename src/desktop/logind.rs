//! Locked screens, active sessions and suspend, from systemd-logind (org.freedesktop.login1(5)).
//!
//! This is level-triggered: after every signal of logind the state is read again. So a new session and a restart of
//! logind need no special case. Nor does a restart of the system bus: the last state stays valid until logind reports
//! another one.

use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use zbus::message::Type;
use zbus::{Connection, MatchRule};

use super::kept_requests::KeptRequests;
use super::lock_requests::LockRequests;
use super::logind_state::LogindState;
use super::outage::Outage;
use super::sessions::Sessions;
use crate::dbus::{ScreenLock, SystemBus};
use crate::signals::{self, ServiceEvent};

const SERVICE: &str = "org.freedesktop.login1";

/// The pause after a call that logind did not answer.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

#[zbus::proxy(
    interface = "org.freedesktop.login1.Manager",
    default_service = "org.freedesktop.login1",
    default_path = "/org/freedesktop/login1"
)]
trait Manager {
    fn inhibit(&self, what: &str, who: &str, why: &str, mode: &str) -> zbus::Result<zbus::OwnedFd>;
}

/// A change of the session or of the computer.
#[derive(Debug)]
pub enum Event {
    /// The lock of the screen has changed to this one.
    Screen(ScreenLock),
    /// logind has told the state of the sessions for the first time, or does not do so now.
    Answered {
        /// Whether logind has told it.
        is_known: bool,
    },
    /// The computer goes to sleep when [`Release`] is dropped, or after the limit of logind (5 s).
    Sleep(Release),
    /// The computer woke up.
    Awake,
    /// A session of the user at a seat became active, or none is active any more. The system grants access to devices to
    /// users with an active session.
    Activity,
}

/// Delays the suspend until it is dropped.
#[derive(Debug)]
pub struct Release {
    _inhibitor: Option<OwnedFd>,
}

/// Sends events until the receiver is dropped. If the system bus is missing or lost, it tries to connect again.
/// Requests to lock a session are kept in the `folder`, if there is one. logind and the bus have `reply_timeout` for each
/// answer. At the beginning the screen counts as [`ScreenLock::Unknown`], and [`Event::Screen`] tells what differs.
pub async fn watch(events: mpsc::Sender<Event>, folder: Option<PathBuf>, reply_timeout: Duration) {
    let mut kept = KeptRequests::new(folder);
    let mut reported = Reported { lock_requests: kept.read().await, ..Reported::default() };
    // logind may be late with the answer that says more, or never give it.
    if reported.lock_requests.may_lock() {
        let requested = Sessions { screen: ScreenLock::Requested, ..reported.sessions };
        show(requested, &mut reported.sessions, &events).await;
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
        show(sessions, &mut self.reported.sessions, &self.events).await;
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
        let logind = Logind { bus, connection: connection.clone(), events, reply_timeout };
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
        let is_missing = ended.as_ref().is_err_and(SystemBus::is_missing);
        let why = ended.map_or_else(|error| error.to_string(), |()| "the connection was closed".to_owned());
        self.outage.begin(&why);
        let pause = match self.reported.sessions {
            // Until logind has told more all codes are refused. These pauses do not let the others grow.
            Sessions { screen: ScreenLock::Unknown, .. } => RETRY_INTERVAL,
            Sessions { screen: ScreenLock::Requested, is_active: None } if !is_missing => RETRY_INTERVAL,
            _ => self.outage.pause(),
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = self.events.closed() => {}
        }
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

/// Sends what has changed; `None` when the receiver of the events is dropped.
async fn show(now: Sessions, shown: &mut Sessions, events: &mpsc::Sender<Event>) -> Option<()> {
    if now.screen != shown.screen {
        events.send(Event::Screen(now.screen)).await.ok()?;
        shown.screen = now.screen;
    }
    if shown.is_active.is_some_and(|before| now.is_active != Some(before)) {
        events.send(Event::Activity).await.ok()?;
    }
    shown.is_active = now.is_active;
    Some(())
}

/// The error of a bus that does not tell in time if logind is running.
async fn lateness(mut state: watch::Receiver<LogindState>, limit: Duration) -> zbus::Error {
    if timeout(limit, state.wait_for(|state| state.is_known)).await.is_ok() {
        std::future::pending().await
    }
    late()
}

struct Logind {
    bus: SystemBus,
    connection: Connection,
    events: mpsc::Sender<Event>,
    reply_timeout: Duration,
}

impl Logind {
    /// Ends when the receiver of the events is dropped.
    async fn follow_sleep(
        &self,
        mut state: watch::Receiver<LogindState>,
        is_asleep: &mut bool,
    ) -> Option<()> {
        let mut before = LogindState::default();
        let mut inhibitor = None;
        loop {
            let now = state.borrow_and_update().clone();
            if now.is_asleep && now.suspends != before.suspends {
                let release = Release { _inhibitor: inhibitor.take() };
                self.events.send(Event::Sleep(release)).await.ok()?;
                *is_asleep = true;
            }
            if !now.is_asleep && now.wakes != before.wakes {
                self.events.send(Event::Awake).await.ok()?;
                *is_asleep = false;
            }
            if !now.is_running {
                inhibitor = None;
            } else if !now.is_asleep && (now.starts, now.wakes) != (before.starts, before.wakes) {
                inhibitor = self.inhibit().await;
            }
            before = now;
            state.changed().await.ok()?;
        }
    }

    /// Ends when the receiver of the events is dropped.
    async fn follow_sessions(
        &self,
        state: &watch::Sender<LogindState>,
        reported: &mut Sessions,
    ) -> Option<()> {
        let mut changes = state.subscribe();
        changes.wait_for(|state| state.is_known).await.ok()?;
        loop {
            let logind = changes.borrow_and_update().clone();
            let found = match logind.is_running {
                true => self.read_sessions(state).await,
                false if !logind.was_there => Some(reported.without_logind()),
                // Without logind a locked screen stays locked.
                false => Some(reported.in_doubt()),
            };
            let was_known = reported.is_known();
            // The same holds if logind does not answer.
            show(found.unwrap_or(reported.in_doubt()), reported, &self.events).await?;
            if !was_known {
                let is_known = reported.is_known();
                self.events.send(Event::Answered { is_known }).await.ok()?;
            }
            tokio::select! {
                changed = changes.changed() => changed.ok()?,
                () = tokio::time::sleep(RETRY_INTERVAL), if found.is_none() => {}
            }
        }
    }

    /// The state of the user's sessions; `None` if logind does not answer. Requests to other sessions are dropped.
    async fn read_sessions(&self, state: &watch::Sender<LogindState>) -> Option<Sessions> {
        let requests = state.borrow().lock_requests.clone();
        let read = self.bounded(Sessions::read(&self.connection, &requests)).await;
        let log = |error: &zbus::Error| tracing::debug!("cannot read the state of the sessions: {error}");
        let (sessions, at_seats) = read.inspect_err(log).ok()?;
        // A request that arrived meanwhile may be to a session that is newer than the list.
        state
            .send_if_modified(|state| state.lock_requests == requests && state.lock_requests.keep(&at_seats));
        Some(sessions)
    }

    async fn inhibit(&self) -> Option<OwnedFd> {
        let why = "Cancels requests and wipes keys before the computer sleeps";
        let asking = async {
            let connection = self.bus.ask().await?;
            let proxy = ManagerProxy::new(&connection).await?;
            let inhibitor = proxy.inhibit("sleep", "oathbridge", why, "delay").await;
            // The descriptor alone delays the suspend.
            let _ = connection.close().await;
            inhibitor
        };
        let inhibitor = self.bounded(asking).await;
        inhibitor
            .inspect_err(|error| tracing::debug!("cannot delay the suspend: {error}"))
            .ok()
            .map(OwnedFd::from)
    }

    async fn bounded<T>(&self, asking: impl Future<Output = zbus::Result<T>>) -> zbus::Result<T> {
        timeout(self.reply_timeout, asking).await.unwrap_or_else(|_| Err(late()))
    }
}

fn late() -> zbus::Error {
    zbus::Error::Failure("no reply".to_owned())
}
