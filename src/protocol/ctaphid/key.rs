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
    channel: Allocated,
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
        let own = own.clone();
        let known = *own.0.lock().ignore_poison();
        let channel = match known {
            Some(channel) => channel,
            None => own.allocate(reports, clock, nonce()?)?,
        };
        Ok(Self { reports, clock, own, channel })
    }

    /// Sends a command and waits for its response. The lock of the device is held, but not while the key waits for a touch.
    ///
    /// # Errors
    ///
    /// Any [`Error`], at the latest 34 s after the request.
    pub fn exchange(&mut self, command: &Command, progress: &dyn Progress) -> Result<Response, Error> {
        let result = match self.attempt(command, progress) {
            // The key has forgotten its channels, as after a reset, and has not carried out the command.
            Err(Error::Refused(INVALID_CHANNEL)) => {
                self.channel = self.own.allocate(self.reports, self.clock, nonce()?)?;
                self.attempt(command, progress)
            }
            result => result,
        };
        if matches!(result, Err(Error::Silence | Error::OtherChannels | Error::Refused(INVALID_CHANNEL))) {
            self.own.forget();
        }
        result
    }

    fn attempt(&mut self, command: &Command, progress: &dyn Progress) -> Result<Response, Error> {
        let request = Request::new(command);
        self.reports.lock(LOCK_LIMIT)?;
        let (channel, nonce) = self.channel;
        let exchange = Exchange::new(self.reports, self.clock, progress, &request, channel, nonce);
        let result = exchange.run();
        self.reports.unlock();
        let message = result?;
        let (status, data) = message.split_first_chunk::<2>().ok_or(Error::Length(message.len()))?;
        Ok(Response { data: data.to_vec(), status: Status(u16::from_be_bytes(*status)) })
    }
}

impl OwnChannel {
    pub(super) fn allocate(
        &self,
        reports: &mut dyn Reports,
        clock: &dyn Clock,
        nonce: [u8; 8],
    ) -> Result<Allocated, Error> {
        self.forget();
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
