//! Locked screens and suspend, as systemd-logind tells them (org.freedesktop.login1(5)).
//!
//! Levels, not edges: whatever logind signals, the state is asked for anew, so a session that comes later or a logind
//! that starts again is no special case.

use std::os::fd::OwnedFd;

use futures_util::StreamExt;
use rustix::process::geteuid;
use tokio::sync::mpsc;
use zbus::message::{Header, Message, Type};
use zbus::{Connection, MatchRule, MessageStream, OwnedObjectPath, fdo};

const SERVICE: &str = "org.freedesktop.login1";
const SESSION: &str = "org.freedesktop.login1.Session";

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

/// Tells what happens, for as long as somebody listens and there is a system bus.
///
/// # Errors
///
/// When there is no system bus, or it is lost.
pub async fn watch(events: mpsc::Sender<Event>) -> zbus::Result<()> {
    let connection = Connection::system().await?;
    // Of logind alone: the bus checks who sends.
    let rule = MatchRule::builder().msg_type(Type::Signal).sender(SERVICE).build()?.to_owned();
    let mut signals = MessageStream::for_match_rule(rule, &connection, None).await?;
    let bus = fdo::DBusProxy::new(&connection).await?;
    let mut owners = bus.receive_name_owner_changed_with_args(&[(0, SERVICE)]).await?;
    let mut watch = Watch { connection, events, inhibitor: None, is_locked: false };
    watch.arrive().await;
    while !watch.events.is_closed() {
        let told = tokio::select! {
            Some(signal) = signals.next() => watch.hear(&signal?).await,
            Some(_) = owners.next() => {
                watch.arrive().await;
                Some(())
            }
            () = watch.events.closed() => None,
            else => None,
        };
        if told.is_none() {
            break;
        }
    }
    Ok(())
}

struct Watch {
    connection: Connection,
    events: mpsc::Sender<Event>,
    inhibitor: Option<OwnedFd>,
    is_locked: bool,
}

impl Watch {
    /// logind is there, perhaps: takes the inhibitor, and looks.
    async fn arrive(&mut self) {
        self.inhibitor = self.inhibit().await;
        self.look().await;
    }

    /// Nothing when nobody listens any more.
    async fn hear(&mut self, signal: &Message) -> Option<()> {
        let header = signal.header();
        match header.member().map(|member| member.as_str()) {
            Some("PrepareForSleep") => {
                if !self.is_from_logind(&header).await {
                    return Some(());
                }
                if signal.body().deserialize().unwrap_or(false) {
                    let release = Release { _inhibitor: self.inhibitor.take() };
                    return self.events.send(Event::Sleep(release)).await.ok();
                }
                self.inhibitor = self.inhibit().await;
                self.events.send(Event::Awake).await.ok()
            }
            Some("PropertiesChanged" | "SessionNew" | "SessionRemoved") => self.look().await,
            _ => Some(()),
        }
    }

    /// Anybody may send a signal to this connection alone, past the rule.
    async fn is_from_logind(&self, header: &Header<'_>) -> bool {
        let owner = async {
            let bus = fdo::DBusProxy::new(&self.connection).await?;
            bus.get_name_owner(SERVICE.try_into()?).await.map_err(zbus::Error::from)
        };
        owner.await.is_ok_and(|owner| header.sender().is_some_and(|sender| *sender == owner))
    }

    async fn look(&mut self) -> Option<()> {
        // A logind that is gone, or starts again, unlocks nothing.
        let Ok(is_locked) = self.any_locked().await else { return Some(()) };
        if std::mem::replace(&mut self.is_locked, is_locked) == is_locked {
            return Some(());
        }
        let event = if is_locked { Event::Locked } else { Event::Unlocked };
        self.events.send(event).await.ok()
    }

    /// One of the user's sessions says so. The signals Lock and Unlock are requests; this is the truth.
    async fn any_locked(&self) -> zbus::Result<bool> {
        let own = geteuid().as_raw();
        for (_, user, _, _, path) in ManagerProxy::new(&self.connection).await?.list_sessions().await? {
            if user != own {
                continue;
            }
            let properties = fdo::PropertiesProxy::builder(&self.connection)
                .destination(SERVICE)
                .path(path)
                .build()
                .await?;
            let name = zbus::names::InterfaceName::from_static_str_unchecked(SESSION);
            // A session that has just ended has no hint.
            let hint = properties.get(name, "LockedHint").await;
            if hint.is_ok_and(|hint| bool::try_from(hint).unwrap_or(false)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn inhibit(&self) -> Option<OwnedFd> {
        let proxy = ManagerProxy::new(&self.connection).await.ok()?;
        let why = "Requests are cancelled and keys wiped before the computer sleeps";
        match proxy.inhibit("sleep", "oathbridge", why, "delay").await {
            Ok(inhibitor) => Some(inhibitor.into()),
            Err(error) => {
                tracing::debug!("suspend can't be delayed: {error}");
                None
            }
        }
    }
}
