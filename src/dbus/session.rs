//! The state of the user's session, which may block methods.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;

use super::methods::MethodPolicy;
use crate::config::Access;
use crate::operations::Cancellation;

#[derive(Debug, Default)]
pub(super) struct Session {
    screen_locked: watch::Sender<bool>,
    asleep: AtomicBool,
}

impl Session {
    /// Sets whether the screen is locked.
    pub(super) fn lock_screen(&self, is_locked: bool) {
        self.screen_locked.send_replace(is_locked);
    }

    /// Whether the screen is locked, now and after each change.
    pub(super) fn screen_locks(&self) -> watch::Receiver<bool> {
        self.screen_locked.subscribe()
    }

    /// Sets whether the computer is going to sleep.
    pub(super) fn fall_asleep(&self, is_asleep: bool) {
        self.asleep.store(is_asleep, Ordering::Release);
    }

    /// The reason why this method is blocked now: from the suspend warning on, or while the screen is locked.
    pub(super) fn blocked_by(&self, method: &MethodPolicy, access: &Access) -> Option<Cancellation> {
        if method.open_while_locked {
            return None;
        }
        if self.asleep.load(Ordering::Acquire) {
            return Some(Cancellation::Suspend);
        }
        let is_locked = *self.screen_locked.borrow() && !access.while_locked;
        is_locked.then_some(Cancellation::ScreenLocked)
    }
}
