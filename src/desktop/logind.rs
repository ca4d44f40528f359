//! Locked screens, active sessions and suspend, from systemd-logind (org.freedesktop.login1(5)).
//!
//! This is level-triggered: after every signal of logind the state is read again. So a new session and a restart of
//! logind need no special case. Nor does a restart of the system bus: the last state stays valid until logind reports
//! another one.

use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::Duration;

use rustix::process::geteuid;
use tokio::sync::{mpsc, watch};
use zbus::message::Type;
use zbus::{Connection, MatchRule, OwnedObjectPath, fdo};

use super::kept_requests::KeptRequests;
use super::lock_requests::{LockRequests, SESSION};
use super::logind_state::LogindState;
use super::outage::Outage;
use crate::dbus::{ScreenLock, SystemBus};
use crate::signals::{self, ServiceEvent};

const SERVICE: &str = "org.freedesktop.login1";

/// The timeout for a reply of logind or the bus.
const REPLY_TIMEOUT: Duration = Duration::from_secs(3);

/// The pause after a call that logind did not answer.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

#[zbus::proxy(
    interface = "org.freedesktop.login1.Manager",
    default_service = "org.freedesktop.login1",
    default_path = "/org/freedesktop/login1"
)]
trait Manager {
    fn inhibit(&self, what: &str, who: &str, why: &str, mode: &str) -> zbus::Result<zbus::OwnedFd>;

    /// Id, user, user's name, seat and path of each session.
    fn list_sessions(&self) -> zbus::Result<Vec<(String, u32, String, String, OwnedObjectPath)>>;
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
/// Requests to lock a session are kept in the `folder`, if there is one.
pub async fn watch(events: mpsc::Sender<Event>, folder: Option<PathBuf>) {
    let mut kept = KeptRequests::new(folder);
    let mut reported = Reported { lock_requests: kept.read().await, ..Reported::default() };
    let locked = ScreenLock::Requested;
    // logind may be late with the answer that says more, or never give it.
    if reported.lock_requests.may_lock() && events.send(Event::Screen(locked)).await.is_ok() {
        reported.sessions.screen = locked;
    }
    let mut watch = Watch { bus: SystemBus::default(), events, outage: Outage::default(), kept, reported };
    while !watch.events.is_closed() {
        let ended = watch.follow().await;
        watch.reconnect(ended).await;
    }
}

/// What outlives a connection to the system bus.
struct Watch {
    bus: SystemBus,
    events: mpsc::Sender<Event>,
    outage: Outage,
    kept: KeptRequests,
    reported: Reported,
}

impl Watch {
    /// Sends events until the receiver is dropped or the system bus is lost.
    async fn follow(&mut self) -> zbus::Result<()> {
        let connection = bounded(self.bus.listen()).await?;
        let rule = MatchRule::builder().msg_type(Type::Signal).sender(SERVICE).build()?;
        let reported = &mut self.reported;
        let state = watch::Sender::new(LogindState::of(reported.lock_requests.clone()));
        let on_event = |event: ServiceEvent<'_>| {
            self.outage.end();
            state.send_if_modified(|state| state.apply(event));
        };
        let (bus, events) = (self.bus.clone(), self.events.clone());
        let logind = Logind { bus, connection: connection.clone(), events };
        let ended = tokio::select! {
            ended = signals::listen(&connection, SERVICE, rule, on_event) => ended,
            _ = logind.follow_sleep(state.subscribe(), &mut reported.is_asleep) => Ok(()),
            _ = logind.follow_sessions(&state, &mut reported.sessions) => Ok(()),
            _ = self.kept.follow(state.subscribe()) => Ok(()),
            () = self.events.closed() => Ok(()),
        };
        reported.lock_requests = state.borrow().lock_requests.clone();
        ended
    }

    /// Waits until the next attempt to connect.
    async fn reconnect(&mut self, ended: zbus::Result<()>) {
        // Without the bus no signal will report the end of the suspend.
        if self.reported.is_asleep && self.events.send(Event::Awake).await.is_ok() {
            self.reported.is_asleep = false;
        }
        // An error means that the daemon is ending.
        let _ = self.events.send(Event::Answered { is_known: false }).await;
        let why = ended.map_or_else(|error| error.to_string(), |()| "the connection was closed".to_owned());
        tokio::select! {
            () = tokio::time::sleep(self.outage.pause(&why)) => {}
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
}

/// The state of the user's sessions.
#[derive(Clone, Copy, Debug, Default)]
struct Sessions {
    /// Locked if the `LockedHint` of one of them is true, and otherwise requested if one of them at a seat was requested to
    /// lock.
    screen: ScreenLock,
    /// Whether one of them at a seat is active; `None` before the first answer of logind.
    is_active: Option<bool>,
}

struct Logind {
    bus: SystemBus,
    connection: Connection,
    events: mpsc::Sender<Event>,
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
        loop {
            // Without logind a locked screen stays locked.
            let now = changes.borrow_and_update().clone();
            let found = if now.is_running { self.read_sessions(state).await } else { Some(*reported) };
            let is_first_answer = now.is_known && reported.is_active.is_none();
            // The same holds if logind does not answer.
            if let Some(now) = found {
                if now.screen != reported.screen {
                    self.events.send(Event::Screen(now.screen)).await.ok()?;
                    reported.screen = now.screen;
                }
                if reported.is_active.is_some_and(|before| now.is_active != Some(before)) {
                    self.events.send(Event::Activity).await.ok()?;
                }
                reported.is_active = now.is_active;
            }
            if is_first_answer {
                let is_known = reported.is_active.is_some();
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
        let read = bounded(self.sessions(&requests)).await;
        let log = |error: &zbus::Error| tracing::debug!("cannot read the state of the sessions: {error}");
        let (sessions, at_seats) = read.inspect_err(log).ok()?;
        // A request that arrived meanwhile may be to a session that is newer than the list.
        state
            .send_if_modified(|state| state.lock_requests == requests && state.lock_requests.keep(&at_seats));
        Some(sessions)
    }

    /// The state of the user's sessions, and those at a seat.
    async fn sessions(&self, requests: &LockRequests) -> zbus::Result<(Sessions, Vec<OwnedObjectPath>)> {
        let (own, mut all) = (geteuid().as_raw(), Sessions { is_active: Some(false), ..Sessions::default() });
        let mut at_seats = Vec::new();
        for (_, user, _, seat, path) in ManagerProxy::new(&self.connection).await?.list_sessions().await? {
            if user == own {
                if self.is_true(&path, "LockedHint").await? {
                    all.screen = ScreenLock::Locked;
                }
                // Every other session is always active: that of ssh, and since systemd 256 that of the user's manager.
                if !seat.is_empty() {
                    all.is_active = all.is_active.max(Some(self.is_true(&path, "Active").await?));
                    at_seats.push(path);
                }
            }
        }
        if !all.screen.is_locked() && requests.lock(&at_seats) {
            all.screen = ScreenLock::Requested;
        }
        Ok((all, at_seats))
    }

    /// The value of a property of a session; false if the session has just ended.
    async fn is_true(&self, session: &OwnedObjectPath, property: &str) -> zbus::Result<bool> {
        let properties = fdo::PropertiesProxy::builder(&self.connection)
            .destination(SERVICE)
            .path(session)
            .build()
            .await?;
        let name = zbus::names::InterfaceName::from_static_str_unchecked(SESSION);
        match properties.get(name, property).await {
            Ok(value) => Ok(bool::try_from(value)?),
            Err(fdo::Error::UnknownObject(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
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
        let inhibitor = bounded(asking).await;
        inhibitor
            .inspect_err(|error| tracing::debug!("cannot delay the suspend: {error}"))
            .ok()
            .map(OwnedFd::from)
    }
}

async fn bounded<T>(asking: impl Future<Output = zbus::Result<T>>) -> zbus::Result<T> {
    let late = || zbus::Error::Failure("no reply".to_owned());
    tokio::time::timeout(REPLY_TIMEOUT, asking).await.unwrap_or_else(|_| Err(late()))
}
