//! What the worker learns from errors, and reports.

use super::worker::Worker;
use super::{Error, Event};
use crate::device::{self, Problem};
use crate::oath;

impl Worker {
    /// Reports that the token is locked, and wipes a key that the token refuses.
    pub(super) fn notice_lock(&mut self, error: oath::Error) -> Error {
        match error {
            oath::Error::Locked | oath::Error::WrongPassword => {
                self.keys.forget();
                self.reports.send(Event::Locked);
                Error::Locked
            }
            error => error.into(),
        }
    }

    /// Reports that another token is in the place of this one, and wipes the keys of this one, because callers may keep
    /// handles to it. The caller gets the error, and the worker ends.
    pub(super) fn notice_other(&self, error: oath::Error) -> oath::Error {
        if error == oath::Error::OtherToken {
            self.reports.send(Event::Replaced);
            self.keys.wipe();
        }
        error
    }

    /// Reports that the system refuses the token to this user by now, although it was read before.
    pub(super) fn notice_denial(&self, error: &oath::Error) {
        if let oath::Error::Device(device::Error::Transport(Problem::PcscDenied)) = error {
            self.reports.send(Event::Failed(Error::PcscDenied));
        }
    }

    /// Wipes a kept PIN that the token refuses or may have refused, or that shows another list by now. Without it the credentials that it
    /// protects are hidden again.
    pub(super) fn notice_pin(&self, error: oath::Error) -> oath::Error {
        use oath::Error::{NoSuchCredential, PinBlocked, PinUnproven, WrongPin};
        if matches!(error, WrongPin(_) | PinBlocked | PinUnproven | NoSuchCredential) {
            self.keys.forget();
        }
        // The caller has given no PIN.
        if matches!(error, WrongPin(_) | PinUnproven) { oath::Error::Locked } else { error }
    }
}
