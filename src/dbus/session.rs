//! The state of the user's session, which may block methods.

use std::sync::atomic::{AtomicBool, Ordering};

use super::methods::MethodPolicy;
use crate::config::Access;
use crate::operations::Cancellation;

#[derive(Debug, Default)]
pub(super) struct Session {
    screen_locked: AtomicBool,
    asleep: AtomicBool,
}

impl Session {
    /// Sets whether the screen is locked.
    pub(super) fn lock_screen(&self, is_locked: bool) {
        self.screen_locked.store(is_locked, Ordering::Release);
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
        let is_locked = self.screen_locked.load(Ordering::Acquire) && !access.while_locked;
        is_locked.then_some(Cancellation::ScreenLocked)
    }
}
