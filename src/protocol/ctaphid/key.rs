//! A Trussed key, as a device that exchanges APDUs.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::channel;
use super::error::Error;
use super::exchange::Exchange;
use super::frame::ChannelId;
use super::request::Request;
use crate::clock::Clock;
use crate::device::{self, Progress, Reports, Transaction};
use crate::iso7816::{Command, Response, Status, status};
use crate::sync::IgnorePoison;

/// The maximum wait for the lock of the device.
const LOCK_LIMIT: Duration = Duration::from_secs(1);

/// The maximum duration of an exchange, also if its request has to be sent again.
const TOTAL_LIMIT: Duration = Duration::from_secs(34);

/// The error of a message for a channel that the key has not given.
const INVALID_CHANNEL: u8 = 0x0b;

/// The channel of this program on one key, from its insertion to its removal. Clones share it.
///
/// Allocating a channel makes the key drop the request of another program, so it is done once.
#[derive(Clone, Debug, Default)]
pub struct OwnChannel(Arc<Mutex<Option<Allocated>>>);

/// A channel, and the nonce of its allocation.
type Allocated = (ChannelId, [u8; 8]);

/// An open FIDO interface with a channel of its own.
pub struct Key<'r> {
    reports: &'r mut dyn Reports,
    clock: &'r dyn Clock,
    own: OwnChannel,
}

impl<'r> Key<'r> {
    /// Allocates a channel, unless `own` has one.
    ///
    /// # Errors
    ///
    /// Any [`Error`], within about a second.
    pub fn connect(
        reports: &'r mut dyn Reports,
        clock: &'r dyn Clock,
        own: &OwnChannel,
    ) -> Result<Self, Error> {
        let mut key = Self { reports, clock, own: own.clone() };
        key.channel()?;
        Ok(key)
    }

    /// Sends a command and waits for its response. The lock of the device is held, but not while the key waits for a touch.
    ///
    /// # Errors
    ///
    /// Any [`Error`], at the latest 34 s after the request.
    pub fn exchange(&mut self, command: &Command, progress: &dyn Progress) -> Result<Response, Error> {
        let end = self.clock.monotonic() + TOTAL_LIMIT;
        match self.attempt(command, progress, end) {
            // The key has forgotten its channels, as after a reset, and has not carried out the command.
            Err(Error::Refused(INVALID_CHANNEL)) => {
                self.own.forget();
                self.attempt(command, progress, end)
            }
            result => result,
        }
    }

    fn attempt(
        &mut self,
        command: &Command,
        progress: &dyn Progress,
        end: Duration,
    ) -> Result<Response, Error> {
        let channel = self.channel()?;
        let request = Request::new(command);
        self.reports.lock(LOCK_LIMIT)?;
        let exchange = Exchange::new(self.reports, self.clock, progress, &request, channel, end);
        let (result, may_be_late) = exchange.run();
        self.reports.unlock();
        if may_be_late {
            self.own.forget();
        }
        let message = result?;
        let (status, data) = message.split_first_chunk::<2>().ok_or(Error::Length(message.len()))?;
        Ok(Response { data: data.to_vec(), status: Status(u16::from_be_bytes(*status)) })
    }

    /// The channel; a new one if the last one cannot be used any more.
    fn channel(&mut self) -> Result<Allocated, Error> {
        let known = *self.own.0.lock().ignore_poison();
        match known {
            Some(channel) => Ok(channel),
            None => self.own.allocate(self.reports, self.clock, nonce()?),
        }
    }
}

impl OwnChannel {
    pub(super) fn allocate(
        &self,
        reports: &mut dyn Reports,
        clock: &dyn Clock,
        nonce: [u8; 8],
    ) -> Result<Allocated, Error> {
        reports.lock(LOCK_LIMIT)?;
        let channel = channel::allocate(reports, clock, nonce);
        reports.unlock();
        let allocated = (channel?, nonce);
        *self.0.lock().ignore_poison() = Some(allocated);
        Ok(allocated)
    }

    fn forget(&self) {
        *self.0.lock().ignore_poison() = None;
    }
}

fn nonce() -> Result<[u8; 8], Error> {
    let mut nonce = [0; 8];
    getrandom::fill(&mut nonce).map_err(|_| Error::NoRandomNumbers)?;
    Ok(nonce)
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
