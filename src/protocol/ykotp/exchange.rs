//! One exchange: a frame to the key, and its response. The key is looked at until it is ready, since it sends nothing by
//! itself.

use std::time::Duration;

use zeroize::Zeroizing;

use super::crc::{RESIDUAL, checksum};
use super::error::Error;
use super::frame::{Frame, REPORT, RESET};
use super::lost_wait::LostWait;
use super::report::{Report, Status};
use crate::clock::Clock;
use crate::device::{Progress, Reports};

/// The maximum duration of an exchange without a touch. A key needs some milliseconds for each report.
const LIMIT: Duration = Duration::from_secs(3);

/// The maximum time until the request of another program has ended.
const IDLE_LIMIT: Duration = Duration::from_secs(1);

/// The maximum wait for a touch. Keys end it themselves after about 15 s.
const TOUCH_LIMIT: Duration = Duration::from_secs(35);

/// The pauses between two looks: the first ones, the later ones, and those while the key waits for a touch.
const SHORT_PAUSE: Duration = Duration::from_millis(1);
const LONG_PAUSE: Duration = Duration::from_millis(20);
const TOUCH_PAUSE: Duration = Duration::from_millis(50);

/// The maximum wait for the lock of the device.
pub(super) const LOCK_LIMIT: Duration = Duration::from_secs(1);

/// The maximum time until the key ends its wait for a touch.
const RESET_LIMIT: Duration = Duration::from_secs(1);
const RESET_PAUSE: Duration = Duration::from_millis(20);

/// The number of short pauses. A key computes an HMAC within some milliseconds.
const SHORT_PAUSES: u32 = 20;

/// The length of a checksum in bytes.
const CHECKSUM: usize = 2;

/// One exchange with the key. It begins with the lock, which is released while the key waits for a touch.
pub(super) struct Exchange<'k> {
    reports: &'k mut dyn Reports,
    clock: &'k dyn Clock,
    progress: &'k dyn Progress,
    /// The monotonic time at which the exchange ends.
    deadline: Duration,
    /// The number of pauses in a row.
    pauses: u32,
    /// Whether the key may have received a report of this exchange.
    has_begun: bool,
    /// Whether the request may require a touch. The wait of another request belongs to another program.
    pub(super) may_wait_for_touch: bool,
    /// Whether the key has waited for a touch.
    pub(super) has_waited_for_touch: bool,
    /// Whether the lock is held.
    is_locked: bool,
    /// Whether the last report shows a wait for a touch or a response, which may be those of this exchange.
    shows_request: bool,
    /// The monotonic time at which the key ends the wait of the last report by itself; `None` if it showed no wait.
    wait_ends: Option<Duration>,
}

impl<'k> Exchange<'k> {
    pub(super) fn new(
        reports: &'k mut dyn Reports,
        clock: &'k dyn Clock,
        progress: &'k dyn Progress,
    ) -> Self {
        let deadline = clock.monotonic() + LIMIT;
        Self {
            reports,
            clock,
            progress,
            deadline,
            pauses: 0,
            has_begun: false,
            may_wait_for_touch: true,
            has_waited_for_touch: false,
            is_locked: true,
            shows_request: false,
            wait_ends: None,
        }
    }

    /// Sends the frame to a key that is idle, and returns the first `length` bytes of the response.
    pub(super) fn run(&mut self, frame: &Frame, length: usize) -> Result<Zeroizing<Vec<u8>>, Error> {
        for report in frame.reports() {
            if self.has_begun {
                self.wait_until_taken()?;
            }
            self.has_begun = true;
            self.reports.send(&report)?;
        }
        checked(self.read(length + CHECKSUM)?, length)
    }

    /// Waits until no other program uses the key. Ends our own wait for a touch that was lost.
    pub(super) fn wait_until_idle(&mut self, lost: &LostWait) -> Result<Status, Error> {
        let mut limit = self.clock.monotonic() + IDLE_LIMIT;
        let mut has_reset = false;
        loop {
            let (report, _) = self.look()?;
            let error = match report {
                Report::Idle(status) => {
                    lost.forget();
                    return Ok(status);
                }
                Report::Touch { .. } => {
                    if self.wait_ends.is_some_and(|end| lost.is(end)) {
                        self.reports.send(&RESET)?;
                    }
                    Error::InUse
                }
                Report::Busy | Report::Piece { .. } => Error::BusyFlag,
            };
            if self.clock.monotonic() >= limit {
                if has_reset || !matches!(report, Report::Piece { .. }) {
                    return Err(error);
                }
                // Another program has left a response unread.
                self.reports.send(&RESET)?;
                has_reset = true;
                limit += IDLE_LIMIT;
            }
            self.wait()?;
        }
    }

    fn wait_until_taken(&mut self) -> Result<(), Error> {
        self.pauses = 0;
        while !Report::takes_reports(&self.look()?.1) {
            if self.is_late() {
                return Err(Error::BusyFlag);
            }
            // A frame is not interrupted, so a cancellation is not noticed here.
            self.rest();
        }
        Ok(())
    }

    /// Reads the response with its checksum, in pieces: `length` bytes at least, unless the key ends it earlier.
    ///
    /// The end of the response is not read, because the checksum shows whether it is whole. The report that the key needs
    /// afterwards makes it drop the rest.
    fn read(&mut self, length: usize) -> Result<Zeroizing<Vec<u8>>, Error> {
        self.pauses = 0;
        let mut response = Zeroizing::new(Vec::new());
        let mut expected = 0;
        loop {
            let report = self.look()?.0;
            if matches!(report, Report::Busy | Report::Piece { .. }) {
                self.lock_again()?;
            }
            match report {
                Report::Piece { number, bytes } if number == expected => {
                    response.extend(bytes);
                    expected += 1;
                    if response.len() >= length {
                        return Ok(response);
                    }
                }
                Report::Piece { number: 0, .. } if expected > 0 => return Ok(response),
                Report::Piece { number, .. } => return Err(Error::Sequence { expected, received: number }),
                Report::Idle(_) | Report::Busy | Report::Touch { .. } if expected > 0 => {
                    return Err(Error::BrokenOff);
                }
                Report::Idle(_) if self.has_waited_for_touch => return Err(Error::TouchTimedOut),
                Report::Idle(_) => return Err(Error::Refused),
                Report::Touch { .. } if !self.may_wait_for_touch => return Err(Error::InUse),
                Report::Touch { .. } => self.wait_for_touch()?,
                Report::Busy if self.is_late() => return Err(Error::NoResponse),
                Report::Busy => self.wait()?,
            }
        }
    }

    fn wait_for_touch(&mut self) -> Result<(), Error> {
        // No other program has to wait for the lock as long as a person takes.
        self.reports.unlock();
        self.is_locked = false;
        if !self.has_waited_for_touch {
            self.has_waited_for_touch = true;
            self.deadline = self.clock.monotonic() + TOUCH_LIMIT;
            self.progress.touch_needed();
        } else if self.is_late() {
            return Err(Error::TouchTimedOut);
        }
        self.check_cancellation()?;
        self.clock.pause(TOUCH_PAUSE);
        // The key computes at once after the touch.
        self.pauses = 0;
        Ok(())
    }

    /// Takes the lock after a wait for a touch.
    fn lock_again(&mut self) -> Result<(), Error> {
        if !self.is_locked {
            self.reports.lock(LOCK_LIMIT)?;
            self.is_locked = true;
        }
        Ok(())
    }

    /// Makes the key ready for the next request after an error, and ends its wait for a touch. Sends nothing if nothing of
    /// this exchange was sent, or if the key may serve another program since its wait for a touch.
    pub(super) fn reset(&mut self) -> Result<(), Error> {
        if !self.may_reset() {
            return Ok(());
        }
        if !self.is_locked {
            self.lock_again()?;
            // Another program may have used the key until now.
            self.look()?;
        }
        let deadline = self.clock.monotonic() + RESET_LIMIT;
        while self.may_reset() {
            self.reports.send(&RESET)?;
            let waits = matches!(self.look()?.0, Report::Touch { .. });
            if !waits || self.clock.monotonic() >= deadline {
                break;
            }
            self.clock.pause(RESET_PAUSE);
        }
        Ok(())
    }

    /// When the key ends the wait for a touch of this exchange by itself, if it waited at the last look (monotonic time).
    pub(super) fn unfinished_wait(&self) -> Option<Duration> {
        self.wait_ends.filter(|_| self.has_waited_for_touch)
    }

    fn may_reset(&self) -> bool {
        self.has_begun && (self.shows_request || !self.has_waited_for_touch)
    }

    fn look(&mut self) -> Result<(Report, [u8; REPORT]), Error> {
        let mut bytes = [0; REPORT];
        // The key always has a report, so the transport does not wait.
        match self.reports.receive(&mut bytes, Duration::ZERO)? {
            REPORT => {
                let report = Report::parse(&bytes);
                self.wait_ends = match report {
                    Report::Touch { seconds } => {
                        Some(self.clock.monotonic() + Duration::from_secs(seconds.into()))
                    }
                    _ => None,
                };
                self.shows_request = matches!(report, Report::Touch { .. } | Report::Piece { .. });
                Ok((report, bytes))
            }
            length => Err(Error::ReportLength(length)),
        }
    }

    fn is_late(&self) -> bool {
        self.clock.monotonic() >= self.deadline
    }

    fn wait(&mut self) -> Result<(), Error> {
        self.check_cancellation()?;
        self.rest();
        Ok(())
    }

    fn check_cancellation(&self) -> Result<(), Error> {
        if self.progress.is_cancelled() { Err(Error::Cancelled) } else { Ok(()) }
    }

    fn rest(&mut self) {
        self.clock.pause(if self.pauses < SHORT_PAUSES { SHORT_PAUSE } else { LONG_PAUSE });
        self.pauses = self.pauses.saturating_add(1);
    }
}

/// The response without its checksum.
fn checked(mut response: Zeroizing<Vec<u8>>, length: usize) -> Result<Zeroizing<Vec<u8>>, Error> {
    let with_checksum = response.get(..length + CHECKSUM).ok_or(Error::ResponseLength(response.len()))?;
    if checksum(with_checksum) != RESIDUAL {
        return Err(Error::Checksum);
    }
    response.truncate(length);
    Ok(response)
}
