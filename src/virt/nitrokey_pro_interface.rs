//! The open interface of a virtual Nitrokey Pro.

use std::sync::Arc;
use std::time::Duration;

use super::nitrokey_pro::{NitrokeyProKey, REPORT};
use super::otp::Conditions;
use super::state::{Shared, State};
use crate::device::{Error, HidKind, Reports};

/// The HID interface of a [`VirtualToken`](crate::virt::VirtualToken) that is a Nitrokey Pro; it ends when the token is
/// pulled out.
#[derive(Debug)]
pub struct NitrokeyProInterface {
    shared: Arc<Shared>,
    insertion: u32,
}

impl NitrokeyProInterface {
    pub(super) fn new(shared: Arc<Shared>, insertion: u32) -> Self {
        Self { shared, insertion }
    }

    fn with<T>(&self, work: impl FnOnce(&mut NitrokeyProKey, Conditions) -> T) -> Result<T, Error> {
        let mut state = self.shared.lock();
        if !state.is_here(self.insertion) {
            return Err(Error::Removed);
        }
        let conditions = state.conditions();
        let result = state.nitrokey_pro.as_mut().map(|key| work(key, conditions)).ok_or(Error::Removed);
        drop(state);
        self.shared.changed.notify_all();
        result
    }
}

impl Reports for NitrokeyProInterface {
    fn kind(&self) -> HidKind {
        HidKind::NitrokeyPro
    }

    fn send(&mut self, report: &[u8]) -> Result<(), Error> {
        self.shared.wait_for_report();
        let report: &[u8; REPORT] =
            report.try_into().map_err(|_| Error::Failed("a report must have 64 bytes".to_owned()))?;
        if self.with(|key, conditions| key.write(report, conditions))? {
            return Ok(());
        }
        self.shared.change(State::unplug);
        Err(Error::Removed)
    }

    fn receive(&mut self, report: &mut [u8], _timeout: Duration) -> Result<usize, Error> {
        self.shared.wait_for_report();
        let current = self.with(NitrokeyProKey::read)?;
        report.iter_mut().zip(&current).for_each(|(to, from)| *to = *from);
        Ok(current.len())
    }
}
