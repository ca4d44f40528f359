//! Channels that tell the supervision of each answer of the token.

use std::time::Duration;

use super::activity::Activity;
use crate::device::{Error, HidKind, Progress, Reports, Transaction};
use crate::iso7816::{Command, Response};

/// A transaction or an open HID device, with the activity that learns of its answers.
pub(super) struct Observed<'c, T: ?Sized> {
    pub(super) channel: &'c mut T,
    pub(super) activity: &'c Activity,
}

impl Transaction for Observed<'_, dyn Transaction + '_> {
    fn transmit(&mut self, command: &Command, progress: &dyn Progress) -> Result<Response, Error> {
        self.channel.transmit(command, progress).inspect(|_| self.activity.exchanged())
    }
}

/// Each report counts as an answer: the protocols limit the time of a request themselves.
impl Reports for Observed<'_, dyn Reports + '_> {
    fn send(&mut self, report: &[u8]) -> Result<(), Error> {
        self.channel.send(report)
    }

    fn kind(&self) -> HidKind {
        self.channel.kind()
    }

    fn receive(&mut self, report: &mut [u8], timeout: Duration) -> Result<usize, Error> {
        let received = self.channel.receive(report, timeout)?;
        if received > 0 {
            self.activity.exchanged();
        }
        Ok(received)
    }

    fn lock(&mut self, timeout: Duration) -> Result<(), Error> {
        self.channel.lock(timeout)
    }

    fn unlock(&mut self) {
        self.channel.unlock();
    }
}
