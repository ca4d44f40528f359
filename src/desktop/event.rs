//! What logind tells, as events of the daemon.

use std::os::fd::OwnedFd;

use crate::dbus::ScreenLock;

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

impl Release {
    /// logind delays the suspend until this descriptor is closed. It is `None` if logind gave none.
    pub(super) fn of(inhibitor: Option<OwnedFd>) -> Self {
        Self { _inhibitor: inhibitor }
    }
}
