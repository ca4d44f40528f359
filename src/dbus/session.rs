//! The state of the user's session, which may block methods.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;

use super::error::Error;
use super::methods::MethodPolicy;
use crate::config::Access;
use crate::operations::Cancellation;

/// The lock of the user's screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ScreenLock {
    /// It is not locked, or logind is not there.
    #[default]
    Unlocked,
    /// logind requested it, and no screen locker has told logind about it. So it is not known whether the screen is locked.
    Requested,
    /// A screen locker told logind.
    Locked,
}

impl ScreenLock {
    /// The word of the D-Bus contract.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Unlocked => "unlocked",
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
        let error = match *self.screen.borrow() {
            _ if access.while_locked => return None,
            ScreenLock::Unlocked => return None,
            ScreenLock::Requested => Error::lock_requested(),
            ScreenLock::Locked => Error::screen_locked(),
        };
        Some((Cancellation::ScreenLocked, error))
    }
}
