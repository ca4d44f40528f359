//! What is known of a key from its insertion to its removal.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

/// The facts about one insertion. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Insertion(Arc<Facts>);

#[derive(Debug, Default)]
struct Facts {
    /// The serial number, after it was read; `None` if the key does not tell it.
    serial: OnceLock<Option<String>>,
    /// Whether no response of an earlier command can still arrive. At first one to another program can.
    is_settled: AtomicBool,
    /// Whether the key has sent a whole response.
    has_answered: AtomicBool,
    /// Whether the key refused its last list for want of a PIN.
    wants_pin: AtomicBool,
}

impl Insertion {
    /// The serial number, if it was read.
    pub(super) fn serial(&self) -> Option<&Option<String>> {
        self.0.serial.get()
    }

    /// Keeps the serial number; a later one is ignored.
    pub(super) fn keep_serial(&self, serial: Option<&String>) {
        self.0.serial.get_or_init(|| serial.cloned());
    }

    /// Whether a response of an earlier command may still arrive.
    pub(super) fn may_be_late(&self) -> bool {
        !self.0.is_settled.load(Ordering::Relaxed)
    }

    /// Whether the key refused its last list for want of a PIN.
    pub(super) fn wants_pin(&self) -> bool {
        self.0.wants_pin.load(Ordering::Relaxed)
    }

    pub(super) fn set_wants_pin(&self, wants_pin: bool) {
        self.0.wants_pin.store(wants_pin, Ordering::Relaxed);
    }

    pub(super) fn set_late(&self, may_be_late: bool) {
        self.0.is_settled.store(!may_be_late, Ordering::Relaxed);
    }

    /// Whether the key has sent a whole response.
    pub(super) fn has_answered(&self) -> bool {
        self.0.has_answered.load(Ordering::Relaxed)
    }

    pub(super) fn set_answered(&self) {
        self.0.has_answered.store(true, Ordering::Relaxed);
    }
}
