//! The state of the user's sessions, as logind tells it (org.freedesktop.login1(5)).

use std::collections::HashMap;

use rustix::process::geteuid;
use tokio::sync::mpsc;
use zbus::{Connection, OwnedObjectPath, OwnedVariant, fdo};

use super::event::Event;
use super::lock_requests::LockRequests;
use super::login1::{ManagerProxy, SERVICE, SESSION};
use crate::dbus::ScreenLock;

/// The state of the user's sessions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sessions {
    /// Locked if the `LockedHint` of one of them is true, and otherwise requested if one of them at a seat was requested to
    /// lock. Before the first answer of logind an assumption.
    pub(super) screen: ScreenLock,
    /// Whether one of them at a seat is active; `None` before the first answer of logind.
    pub(super) is_active: Option<bool>,
}

impl Default for Sessions {
    /// The state before the first answer.
    fn default() -> Self {
        Self { screen: ScreenLock::Unknown, is_active: None }
    }
}

impl Sessions {
    /// Asks logind for the state of the user's sessions, and for those at a seat.
    ///
    /// # Errors
    ///
    /// logind or the bus answers with an error.
    pub(super) async fn read(
        connection: &Connection,
        requests: &LockRequests,
    ) -> zbus::Result<(Self, Vec<OwnedObjectPath>)> {
        let (own, mut at_seats) = (geteuid().as_raw(), Vec::new());
        let mut all = Self { screen: ScreenLock::Unlocked, is_active: Some(false) };
        for (_, user, _, seat, path) in ManagerProxy::new(connection).await?.list_sessions().await? {
            let Some(session) = (if user == own { Session::read(connection, &path).await? } else { None })
            else {
                continue;
            };
            if session.is_locked {
                all.screen = ScreenLock::Locked;
            }
            // Every other session is always active: that of ssh, and since systemd 256 that of the user's manager.
            if !seat.is_empty() {
                all.is_active = all.is_active.max(Some(session.is_active));
                at_seats.push(path);
            }
        }
        if !all.screen.is_locked() && requests.lock(&at_seats) {
            all.screen = ScreenLock::Requested;
        }
        Ok((all, at_seats))
    }

    /// The state without a logind. A requested lock is no doubt, but a fact that an earlier daemon knew.
    pub(super) fn without_logind(self) -> Self {
        match self.screen {
            ScreenLock::Unknown => Self { screen: ScreenLock::Unlocked, ..self },
            _ => self,
        }
    }

    /// The state while logind does not tell it, but may be there: what it has told, or a screen that counts as locked.
    pub(super) fn in_doubt(self) -> Self {
        match self.is_known() {
            true => self,
            false => Self { screen: self.screen.max(ScreenLock::Unknown), ..self },
        }
    }

    /// Whether the next attempt to reach logind is urgent, because only its first answer ends the refusal of codes. It is
    /// urgent while the screen is unknown. It is urgent after a request to lock from an earlier daemon, unless the system
    /// bus is missing: then no logind can end the request.
    pub(super) fn is_urgent(self, is_bus_missing: bool) -> bool {
        match self.screen {
            ScreenLock::Unknown => true,
            ScreenLock::Requested => !self.is_known() && !is_bus_missing,
            _ => false,
        }
    }

    /// Whether logind has told the state.
    pub(super) fn is_known(self) -> bool {
        self.is_active.is_some()
    }

    /// Sends an event for each difference from the state that is `shown`, and updates that. `None` when the receiver of the
    /// events is dropped.
    pub(super) async fn show(self, shown: &mut Self, events: &mpsc::Sender<Event>) -> Option<()> {
        if self.screen != shown.screen {
            events.send(Event::Screen(self.screen)).await.ok()?;
            shown.screen = self.screen;
        }
        if shown.is_active.is_some_and(|before| self.is_active != Some(before)) {
            events.send(Event::Activity).await.ok()?;
        }
        shown.is_active = self.is_active;
        Some(())
    }
}

/// The properties of one session.
struct Session {
    is_locked: bool,
    is_active: bool,
}

impl Session {
    /// `None` if the session has ended, or its person has left it: logind keeps a session in the state `closing` while a
    /// process of it runs, and no screen locker sets its `LockedHint` back.
    async fn read(connection: &Connection, session: &OwnedObjectPath) -> zbus::Result<Option<Self>> {
        let properties =
            fdo::PropertiesProxy::builder(connection).destination(SERVICE).path(session).build().await?;
        let name = zbus::names::InterfaceName::from_static_str_unchecked(SESSION);
        let found = match properties.get_all(name).await {
            Err(fdo::Error::UnknownObject(_)) => return Ok(None),
            found => found?,
        };
        let state = found.get("State").and_then(|state| <&str>::try_from(state).ok());
        if state == Some("closing") {
            return Ok(None);
        }
        Ok(Some(Self { is_locked: is_true(&found, "LockedHint")?, is_active: is_true(&found, "Active")? }))
    }
}

fn is_true(properties: &HashMap<String, OwnedVariant>, name: &str) -> zbus::Result<bool> {
    let missing = || zbus::Error::Failure(format!("a session has no {name}"));
    bool::try_from(properties.get(name).ok_or_else(missing)?)
}
