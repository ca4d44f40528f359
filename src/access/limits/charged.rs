//! A submission in progress, of which it is not known yet whether it counts.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::{Limits, Rate};

/// A submission that holds its share of the limits. When this is dropped, the submission counts, from its start on; if it
/// was taken back, it counts for the limit of refused ones instead.
#[derive(Debug)]
pub struct Charged {
    limits: Limits,
    program: Arc<str>,
    /// The start, in monotonic time.
    at: Duration,
    is_taken_back: AtomicBool,
}

impl Charged {
    pub(super) fn new(limits: Limits, program: Arc<str>, at: Duration) -> Self {
        Self { limits, program, at, is_taken_back: AtomicBool::new(false) }
    }

    /// Takes the submission back, because it was refused before anything was asked for a code.
    pub fn take_back(&self) {
        self.is_taken_back.store(true, Ordering::Relaxed);
    }
}

impl Drop for Charged {
    fn drop(&mut self) {
        let now = self.limits.clock.monotonic();
        let mut counts = self.limits.counts();
        if *self.is_taken_back.get_mut() {
            counts.release(&self.program, None);
            counts.count(&self.program, Rate::Refused, now);
        } else {
            counts.release(&self.program, Some(self.at));
        }
    }
}
