//! The commands of the key, over its keyboard interface.

use zeroize::Zeroizing;

use super::challenge;
use super::error::Error;
use super::exchange::{Exchange, LOCK_LIMIT};
use super::frame::{Frame, PAYLOAD, RESET};
use super::lost_wait::LostWait;
use super::report::{SlotNumber, Status};
use crate::clock::Clock;
use crate::device::{NoProgress, Progress, Reports};
use crate::otp::Step;

/// Returns the serial number.
const SERIAL: u8 = 0x10;
/// HMAC-SHA1 of a challenge, by the slots 1 and 2.
const HMAC: [u8; 2] = [0x30, 0x38];

/// The length of HMAC-SHA1 in bytes.
const HMAC_LENGTH: usize = 20;

/// The keyboard interface of a key. It is left ready for other programs when this is dropped: a response that was read stays
/// on the key until then, so that a code does not wait for that.
pub struct Keyboard<'r> {
    reports: &'r mut dyn Reports,
    clock: &'r dyn Clock,
    lost_wait: LostWait,
    /// Whether the key was idle at the last look. The lock is held since, so no program that honours it uses the key.
    is_idle: bool,
    /// Whether the key still has a response that was read. The lock is held meanwhile.
    has_response: bool,
}

impl<'r> Keyboard<'r> {
    /// The keyboard interface behind these reports. Sends nothing.
    pub fn new(reports: &'r mut dyn Reports, clock: &'r dyn Clock) -> Self {
        Self::of_insertion(reports, clock, &LostWait::default())
    }

    /// The same, of a key whose insertion had earlier interfaces with this knowledge.
    pub fn of_insertion(reports: &'r mut dyn Reports, clock: &'r dyn Clock, lost_wait: &LostWait) -> Self {
        Self { reports, clock, lost_wait: lost_wait.clone(), is_idle: false, has_response: false }
    }

    /// Reads the status. Sends nothing, unless another program has left a response unread or a wait for a touch of ours was
    /// lost. Keeps the lock until the next request has ended, or until the drop.
    ///
    /// # Errors
    ///
    /// [`Error::InUse`], [`Error::BusyFlag`], [`Error::ReportLength`] or [`Error::Device`].
    pub fn status(&mut self) -> Result<Status, Error> {
        self.let_go();
        self.reports.lock(LOCK_LIMIT)?;
        let status = Exchange::new(self.reports, self.clock, &NoProgress).wait_until_idle(&self.lost_wait);
        self.is_idle = status.is_ok();
        if !self.is_idle {
            self.reports.unlock();
        }
        status
    }

    /// Reads the serial number; requires no touch.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] if the key is set up to hide its serial number; [`Error::InUse`] if another program makes the key
    /// wait for a touch meanwhile; any other [`Error`].
    pub fn serial(&mut self) -> Result<u32, Error> {
        let response = self.request(&Frame::new(SERIAL, &[0; PAYLOAD]), 4, None)?;
        let serial = response.first_chunk().ok_or(Error::ResponseLength(response.len()))?;
        Ok(u32::from_be_bytes(*serial))
    }

    /// The HMAC-SHA1 of a time step, 20 bytes. Ends the key's wait for a touch if `progress` is cancelled.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] if the slot is empty or does something else; any other [`Error`].
    pub fn hmac(
        &mut self,
        slot: SlotNumber,
        step: Step,
        progress: &dyn Progress,
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        let [first, second] = HMAC;
        let command = match slot {
            SlotNumber::One => first,
            SlotNumber::Two => second,
        };
        self.request(&Frame::new(command, &challenge::payload(step)), HMAC_LENGTH, Some(progress))
    }

    /// Sends a frame. Repeats it once if another program seems to have disturbed it, but never after a wait for a touch.
    /// Without `progress` the request requires no touch.
    fn request(
        &mut self,
        frame: &Frame,
        length: usize,
        progress: Option<&dyn Progress>,
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        match self.attempt(frame, length, progress) {
            (Err(error), false) if error.may_be_interference() => {
                tracing::debug!("repeating a request to a key: {error}");
                self.attempt(frame, length, progress).0
            }
            (result, _) => result,
        }
    }

    /// The result of one exchange, and whether the key waited for a touch.
    fn attempt(
        &mut self,
        frame: &Frame,
        length: usize,
        progress: Option<&dyn Progress>,
    ) -> (Result<Zeroizing<Vec<u8>>, Error>, bool) {
        let is_idle = std::mem::take(&mut self.is_idle);
        if !is_idle {
            self.let_go();
            if let Err(error) = self.reports.lock(LOCK_LIMIT) {
                return (Err(error.into()), false);
            }
        }
        let mut exchange = Exchange::new(self.reports, self.clock, progress.unwrap_or(&NoProgress));
        exchange.may_wait_for_touch = progress.is_some();
        let ready = if is_idle { Ok(()) } else { exchange.wait_until_idle(&self.lost_wait).map(drop) };
        let result = ready.and_then(|()| exchange.run(frame, length));
        let touch = exchange.has_waited_for_touch;
        match &result {
            Ok(_) => {
                self.has_response = true;
                return (result, touch);
            }
            // After InUse the key serves another program.
            Err(Error::InUse) => {}
            Err(Error::Device(_)) => note(&self.lost_wait, &exchange),
            // A failure leaves the key as it is; the error of the exchange is the one to report.
            Err(_) => {
                if exchange.reset().is_err() {
                    note(&self.lost_wait, &exchange);
                }
            }
        }
        self.reports.unlock();
        (result, touch)
    }

    /// Releases the lock if it is held, and before that makes the key drop a response that was read.
    fn let_go(&mut self) {
        let has_response = std::mem::take(&mut self.has_response);
        if has_response {
            // The response is complete, so a failure does no harm.
            drop(self.reports.send(&RESET));
        }
        if has_response || std::mem::take(&mut self.is_idle) {
            self.reports.unlock();
        }
    }
}

impl Drop for Keyboard<'_> {
    fn drop(&mut self) {
        self.let_go();
    }
}

/// Notes a wait for a touch of the exchange that could not be ended.
fn note(lost: &LostWait, exchange: &Exchange<'_>) {
    if let Some(end) = exchange.unfinished_wait() {
        lost.keep(end);
    }
}
