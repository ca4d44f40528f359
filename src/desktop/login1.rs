//! The manager object of systemd-logind (org.freedesktop.login1(5)).

use zbus::{OwnedFd, OwnedObjectPath};

/// The name of logind on the system bus.
pub(super) const SERVICE: &str = "org.freedesktop.login1";

/// The interface of the manager, also in the attributes of its proxy.
pub(super) const MANAGER: &str = "org.freedesktop.login1.Manager";

/// The interface of a session.
pub(super) const SESSION: &str = "org.freedesktop.login1.Session";

#[zbus::proxy(
    interface = "org.freedesktop.login1.Manager",
    default_service = "org.freedesktop.login1",
    default_path = "/org/freedesktop/login1"
)]
pub(super) trait Manager {
    /// Delays or blocks what is named, for example `sleep`, until the descriptor is closed.
    fn inhibit(&self, what: &str, who: &str, why: &str, mode: &str) -> zbus::Result<OwnedFd>;

    /// Id, user, user's name, seat and path of each session.
    fn list_sessions(&self) -> zbus::Result<Vec<(String, u32, String, String, OwnedObjectPath)>>;
}
