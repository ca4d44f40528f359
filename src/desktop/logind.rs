//! Locked screens and suspend, as systemd-logind tells them (org.freedesktop.login1(5)).
//!
//! Levels, not edges: whatever logind signals, the state is asked for anew, so a session that comes later or a logind
//! that starts again is no special case. Nor is a system bus that does: what was told last stays true until logind says
//! otherwise.

use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::process::geteuid;
use tokio::sync::{mpsc, watch};
use zbus::message::{Message, Type};
use zbus::{Connection, MatchRule, OwnedObjectPath, fdo};

use super::outage::Outage;
use crate::signals::{self, Told};

const SERVICE: &str = "org.freedesktop.login1";
const SESSION: &str = "org.freedesktop.login1.Session";

/// How long logind, or the bus, may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// When it is asked again after it failed to answer.
const AGAIN: Duration = Duration::from_secs(1);

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

/// What happens at the computer.
#[derive(Debug)]
pub enum Event {
    /// The screen was locked.
    Locked,
    /// It was unlocked.
    Unlocked,
    /// The computer goes to sleep when [`Release`] is dropped, or after logind's own limit (5 s).
    Sleep(Release),
    /// It woke up.
    Awake,
}

/// Holds the computer awake until it is dropped.
#[derive(Debug)]
pub struct Release {
    _inhibitor: Option<OwnedFd>,
}

/// Tells what happens, for as long as somebody listens. A system bus that isn't there, or is lost, is looked for again.
pub async fn watch(events: mpsc::Sender<Event>) {
    let (mut known, mut outage) = (Known::default(), Outage::default());
    while !events.is_closed() {
        let ended = follow(&events, &mut known, &mut outage).await;
        // Nobody else will tell that it is over.
        if known.is_asleep && events.send(Event::Awake).await.is_ok() {
            known.is_asleep = false;
        }
        let why = ended.map_or_else(|error| error.to_string(), |()| "it is gone".to_owned());
        tokio::select! {
            () = tokio::time::sleep(outage.pause(&why)) => {}
            () = events.closed() => {}
        }
    }
}

/// Tells what happens until nobody listens, or the system bus is lost.
async fn follow(events: &mpsc::Sender<Event>, known: &mut Known, outage: &mut Outage) -> zbus::Result<()> {
    let connection = bounded(Connection::system()).await?;
    let rule = MatchRule::builder().msg_type(Type::Signal).sender(SERVICE).build()?;
    let heard = watch::Sender::new(Heard::default());
    let note = |told: Told<'_>| {
        outage.end();
        heard.send_if_modified(|heard| heard.take(told));
    };
    let logind = Logind { connection: connection.clone(), events: events.clone() };
    tokio::select! {
        ended = signals::listen(&connection, SERVICE, rule, note) => ended,
        _ = logind.follow_sleep(heard.subscribe(), &mut known.is_asleep) => Ok(()),
        _ = logind.follow_locks(heard.subscribe(), &mut known.is_locked) => Ok(()),
        () = events.closed() => Ok(()),
    }
}

/// What was told last; it outlives the connection. Taken down only when it was told, since that may be called off.
#[derive(Debug, Default)]
struct Known {
    is_locked: bool,
    is_asleep: bool,
}

/// What logind has said until now. Whoever acts upon it may be late, and misses no level.
#[derive(Clone, Copy, Debug, Default)]
struct Heard {
    is_there: bool,
    /// How often it came.
    arrivals: u64,
    is_asleep: bool,
    /// How often the computer went to sleep, and woke up.
    naps: u64,
    wakes: u64,
}

impl Heard {
    /// False if that means nothing.
    fn take(&mut self, told: Told<'_>) -> bool {
        match told {
            Told::Signal(signal) => return self.take_signal(signal),
            Told::Arrived => {
                self.arrivals += 1;
                self.is_there = true;
            }
            Told::Left => {
                tracing::debug!("logind has left");
                self.is_there = false;
            }
        }
        // Nobody else will tell that it is over.
        if self.is_asleep {
            self.wake();
        }
        true
    }

    fn take_signal(&mut self, signal: &Message) -> bool {
        match signal.header().member().map(|member| member.as_str()) {
            Some("PrepareForSleep") => match signal.body().deserialize() {
                Ok(true) => {
                    self.naps += 1;
                    self.is_asleep = true;
                }
                Ok(false) => self.wake(),
                Err(_) => return false,
            },
            Some("PropertiesChanged" | "SessionNew" | "SessionRemoved") => {}
            _ => return false,
        }
        true
    }

    fn wake(&mut self) {
        self.wakes += 1;
        self.is_asleep = false;
    }
}

struct Logind {
    connection: Connection,
    events: mpsc::Sender<Event>,
}

impl Logind {
    /// Ends when nobody listens any more.
    async fn follow_sleep(&self, mut heard: watch::Receiver<Heard>, is_asleep: &mut bool) -> Option<()> {
        let mut before = Heard::default();
        let mut inhibitor = None;
        loop {
            let now = *heard.borrow_and_update();
            if now.is_asleep && now.naps != before.naps {
                let release = Release { _inhibitor: inhibitor.take() };
                self.events.send(Event::Sleep(release)).await.ok()?;
                *is_asleep = true;
            }
            if !now.is_asleep && now.wakes != before.wakes {
                self.events.send(Event::Awake).await.ok()?;
                *is_asleep = false;
            }
            if !now.is_there {
                inhibitor = None;
            } else if !now.is_asleep && (now.arrivals, now.wakes) != (before.arrivals, before.wakes) {
                inhibitor = self.inhibit().await;
            }
            before = now;
            heard.changed().await.ok()?;
        }
    }

    /// Ends when nobody listens any more.
    async fn follow_locks(&self, mut heard: watch::Receiver<Heard>, is_locked: &mut bool) -> Option<()> {
        loop {
            // A logind that is gone unlocks nothing.
            let is_there = heard.borrow_and_update().is_there;
            let found = if is_there { self.look().await } else { Some(*is_locked) };
            // Nor does one that doesn't answer.
            if let Some(now) = found.filter(|now| now != is_locked) {
                let event = if now { Event::Locked } else { Event::Unlocked };
                self.events.send(event).await.ok()?;
                *is_locked = now;
            }
            tokio::select! {
                changed = heard.changed() => changed.ok()?,
                () = tokio::time::sleep(AGAIN), if found.is_none() => {}
            }
        }
    }

    /// Whether the screen is locked; nothing if logind doesn't say.
    async fn look(&self) -> Option<bool> {
        let looked = bounded(self.any_locked()).await;
        looked.inspect_err(|error| tracing::debug!("whether the screen is locked is unknown: {error}")).ok()
    }

    /// One of the user's sessions says so. The signals Lock and Unlock are requests; this is the truth.
    async fn any_locked(&self) -> zbus::Result<bool> {
        let own = geteuid().as_raw();
        for (_, user, _, _, path) in ManagerProxy::new(&self.connection).await?.list_sessions().await? {
            if user == own && self.is_locked(path).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn is_locked(&self, session: OwnedObjectPath) -> zbus::Result<bool> {
        let properties = fdo::PropertiesProxy::builder(&self.connection)
            .destination(SERVICE)
            .path(session)
            .build()
            .await?;
        let name = zbus::names::InterfaceName::from_static_str_unchecked(SESSION);
        match properties.get(name, "LockedHint").await {
            Ok(hint) => Ok(bool::try_from(hint)?),
            // It has just ended.
            Err(fdo::Error::UnknownObject(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    async fn inhibit(&self) -> Option<OwnedFd> {
        let why = "Requests are cancelled and keys wiped before the computer sleeps";
        let asking = async {
            let proxy = ManagerProxy::new(&self.connection).await?;
            proxy.inhibit("sleep", "oathbridge", why, "delay").await
        };
        let inhibitor = bounded(asking).await;
        inhibitor
            .inspect_err(|error| tracing::debug!("suspend can't be delayed: {error}"))
            .ok()
            .map(OwnedFd::from)
    }
}

async fn bounded<T>(asking: impl Future<Output = zbus::Result<T>>) -> zbus::Result<T> {
    let late = || zbus::Error::Failure("there is no answer".to_owned());
    tokio::time::timeout(PATIENCE, asking).await.unwrap_or_else(|_| Err(late()))
}
