//! The open keyboard interface of a virtual token.

use std::sync::Arc;
use std::time::Duration;

use super::otp::{Conditions, OtpKey};
use super::state::{Shared, State};
use crate::device::{Error, Reports};

/// The keyboard interface of a [`VirtualToken`](crate::virt::VirtualToken); it ends when the token is pulled out.
#[derive(Debug)]
pub struct Keyboard {
    shared: Arc<Shared>,
    insertion: u32,
}

impl Keyboard {
    pub(super) fn new(shared: Arc<Shared>, insertion: u32) -> Self {
        Self { shared, insertion }
    }

    /// Runs `work` on the key, and notes when the key begins or ends a wait for a touch.
    fn with<T>(&self, work: impl FnOnce(&mut OtpKey, Conditions) -> T) -> Result<T, Error> {
        let mut state = self.shared.lock();
        if !state.is_here(self.insertion) {
            return Err(Error::Removed);
        }
        let conditions = state.conditions();
        let Some(key) = &mut state.otp else { return Err(Error::Removed) };
        let waited = key.waits_for_touch();
        let result = work(key, conditions);
        let waits = key.waits_for_touch();
        if waits != waited {
            state.wants_touch = waits;
            // A touch before the wait is lost, as on a real key.
            state.touched = false;
        }
        drop(state);
        self.shared.changed.notify_all();
        Ok(result)
    }
}

impl Reports for Keyboard {
    fn send(&mut self, report: &[u8]) -> Result<(), Error> {
        self.shared.wait_for_report();
        let report = report.try_into().map_err(|_| Error::Failed("a report must have 8 bytes".to_owned()))?;
        if self.with(|key, conditions| key.write(report, conditions))? {
            return Ok(());
        }
        self.shared.change(State::unplug);
        Err(Error::Removed)
    }

    fn receive(&mut self, report: &mut [u8], _timeout: Duration) -> Result<usize, Error> {
        self.shared.wait_for_report();
        let current = self.with(OtpKey::read)?;
        report.iter_mut().zip(&current).for_each(|(to, from)| *to = *from);
        Ok(current.len())
    }
}
