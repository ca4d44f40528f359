//! The state of the user's sessions, as logind tells it (org.freedesktop.login1(5)).

use rustix::process::geteuid;
use zbus::{Connection, OwnedObjectPath, fdo};

use super::lock_requests::{LockRequests, SESSION};
use crate::dbus::ScreenLock;

#[zbus::proxy(
    interface = "org.freedesktop.login1.Manager",
    default_service = "org.freedesktop.login1",
    default_path = "/org/freedesktop/login1"
)]
trait Manager {
    /// Id, user, user's name, seat and path of each session.
    fn list_sessions(&self) -> zbus::Result<Vec<(String, u32, String, String, OwnedObjectPath)>>;
}

/// The state of the user's sessions.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sessions {
    /// Locked if the `LockedHint` of one of them is true, and otherwise requested if one of them at a seat was requested to
    /// lock. Before the first answer of logind an assumption.
    pub(super) screen: ScreenLock,
    /// Whether one of them at a seat is active; `None` before the first answer of logind.
    pub(super) is_active: Option<bool>,
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
        let (own, mut all) = (geteuid().as_raw(), Self { is_active: Some(false), ..Self::default() });
        let mut at_seats = Vec::new();
        for (_, user, _, seat, path) in ManagerProxy::new(connection).await?.list_sessions().await? {
            if user == own {
                if is_true(connection, &path, "LockedHint").await? {
                    all.screen = ScreenLock::Locked;
                }
                // Every other session is always active: that of ssh, and since systemd 256 that of the user's manager.
                if !seat.is_empty() {
                    all.is_active = all.is_active.max(Some(is_true(connection, &path, "Active").await?));
                    at_seats.push(path);
                }
            }
        }
        if !all.screen.is_locked() && requests.lock(&at_seats) {
            all.screen = ScreenLock::Requested;
        }
        Ok((all, at_seats))
    }

    /// The state on a bus without logind. A requested lock is no doubt, but a fact that an earlier daemon knew.
    pub(super) fn without_logind(self) -> Self {
        match self.screen {
            ScreenLock::Unknown => Self { screen: ScreenLock::Unlocked, ..self },
            _ => self,
        }
    }

    /// Whether logind has told the state.
    pub(super) fn is_known(&self) -> bool {
        self.is_active.is_some()
    }
}

/// The value of a property of a session; false if the session has just ended.
async fn is_true(connection: &Connection, session: &OwnedObjectPath, property: &str) -> zbus::Result<bool> {
    let properties = fdo::PropertiesProxy::builder(connection)
        .destination("org.freedesktop.login1")
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
