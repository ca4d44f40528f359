//! The state of the user's session, which may block methods.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;

use super::error::Error;
use super::methods::MethodPolicy;
use crate::config::Access;
use crate::operations::Cancellation;

/// The lock of the user's screen; a later one is more certain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum ScreenLock {
    /// It is not locked, or there is no logind.
    #[default]
    Unlocked,
    /// logind has not told it since the start of the daemon.
    Unknown,
    /// logind requested it, and no screen locker has told logind about it. So it is not known whether the screen is locked.
    Requested,
    /// A screen locker told logind.
    Locked,
}

impl ScreenLock {
    /// The word of the D-Bus contract.
    pub(in crate::dbus) fn word(self) -> &'static str {
        match self {
            Self::Unlocked => "unlocked",
            Self::Unknown => "unknown",
            Self::Requested => "lock-requested",
            Self::Locked => "locked",
        }
    }

    /// Whether it counts as locked.
    pub fn is_locked(self) -> bool {
        self != Self::Unlocked
    }
}

#[derive(Debug, Default)]
pub(super) struct Session {
    screen: watch::Sender<ScreenLock>,
    /// Whether logind has told the lock of the screen.
    is_screen_known: AtomicBool,
    asleep: AtomicBool,
}

impl Session {
    /// Replaces the lock of the screen, and returns the earlier one.
    pub(super) fn set_screen(&self, lock: ScreenLock) -> ScreenLock {
        self.screen.send_replace(lock)
    }

    /// The lock of the screen, now and after each change.
    pub(super) fn screen(&self) -> watch::Receiver<ScreenLock> {
        self.screen.subscribe()
    }

    /// From now on the lock of the screen is what logind told, and no assumption.
    pub(super) fn trust_screen(&self) {
        self.is_screen_known.store(true, Ordering::Release);
    }

    /// The lock of the screen, if logind has told it, or if it is an error that logind has not.
    pub(super) fn known_screen(&self) -> Option<ScreenLock> {
        let is_known = self.is_screen_known.load(Ordering::Acquire);
        let screen = *self.screen.borrow();
        (is_known || screen == ScreenLock::Unknown).then_some(screen)
    }

    /// Sets whether the computer is going to sleep.
    pub(super) fn fall_asleep(&self, is_asleep: bool) {
        self.asleep.store(is_asleep, Ordering::Release);
    }

    /// The reason why this method is blocked now, and the error of a call: from the suspend warning on, or while the screen
    /// is locked.
    pub(super) fn blocked_by(&self, method: &MethodPolicy, access: &Access) -> Option<(Cancellation, Error)> {
        if method.open_while_locked {
            return None;
        }
        if self.asleep.load(Ordering::Acquire) {
            return Some((Cancellation::Suspend, Cancellation::Suspend.into()));
        }
        match *self.screen.borrow() {
            _ if access.while_locked => None,
            ScreenLock::Unlocked => None,
            ScreenLock::Unknown => Some((Cancellation::ScreenUnknown, Error::screen_unknown())),
            ScreenLock::Requested => Some((Cancellation::LockRequested, Error::lock_requested())),
            ScreenLock::Locked => Some((Cancellation::ScreenLocked, Error::screen_locked())),
        }
    }
}
