//! A Trussed key, as a device that exchanges APDUs.

use std::time::Duration;

use super::channel;
use super::error::Error;
use super::exchange::Exchange;
use super::frame::ChannelId;
use super::request::Request;
use crate::clock::Clock;
use crate::device::{self, Progress, Reports, Transaction};
use crate::iso7816::{Command, Response, Status, status};

/// The maximum wait for the lock of the device.
const LOCK_LIMIT: Duration = Duration::from_secs(1);

/// An open FIDO interface with a channel of its own.
pub struct Key<'r> {
    reports: &'r mut dyn Reports,
    clock: &'r dyn Clock,
    channel: ChannelId,
    nonce: [u8; 8],
}

impl<'r> Key<'r> {
    /// Allocates a channel.
    ///
    /// # Errors
    ///
    /// Any [`Error`], within about a second.
    pub fn connect(reports: &'r mut dyn Reports, clock: &'r dyn Clock) -> Result<Self, Error> {
        let mut nonce = [0; 8];
        getrandom::fill(&mut nonce).map_err(|_| Error::NoRandomNumbers)?;
        Self::connect_with(reports, clock, nonce)
    }

    pub(super) fn connect_with(
        reports: &'r mut dyn Reports,
        clock: &'r dyn Clock,
        nonce: [u8; 8],
    ) -> Result<Self, Error> {
        reports.lock(LOCK_LIMIT)?;
        let channel = channel::allocate(reports, clock, nonce);
        reports.unlock();
        Ok(Self { reports, clock, channel: channel?, nonce })
    }

    /// Sends a command and waits for its response. The lock of the device is held, but not while the key waits for a touch.
    ///
    /// # Errors
    ///
    /// Any [`Error`], at the latest 34 s after the request.
    pub fn exchange(&mut self, command: &Command, progress: &dyn Progress) -> Result<Response, Error> {
        let request = Request::new(command);
        self.reports.lock(LOCK_LIMIT)?;
        let (channel, nonce) = (self.channel, self.nonce);
        let exchange = Exchange::new(self.reports, self.clock, progress, &request, channel, nonce);
        let result = exchange.run();
        self.reports.unlock();
        let message = result?;
        let (status, data) = message.split_first_chunk::<2>().ok_or(Error::Length(message.len()))?;
        Ok(Response { data: data.to_vec(), status: Status(u16::from_be_bytes(*status)) })
    }
}

impl Transaction for Key<'_> {
    fn transmit(&mut self, command: &Command, progress: &dyn Progress) -> Result<Response, device::Error> {
        match self.exchange(command, progress) {
            // A smart card without the application has a status word for this.
            Err(Error::UnknownCommand) => {
                Ok(Response { data: Vec::new(), status: status::INSTRUCTION_NOT_SUPPORTED })
            }
            result => Ok(result?),
        }
    }
}
