//! One exchange: a request to the key, and its response.

use std::time::Duration;

use zeroize::Zeroizing;

use super::assembly::Assembly;
use super::error::Error;
use super::frame::{BROADCAST, ChannelId, Frame, Packet, REPORT, command, reports};
use super::request::Request;
use crate::clock::Clock;
use crate::device::{self, Progress, Reports};

/// The time without a response after which the key is taken to wait for a touch. It sends no sign of that.
const TOUCH_NOTICE: Duration = Duration::from_millis(500);

/// The maximum time between two reports of a response.
const PIECE_LIMIT: Duration = Duration::from_secs(1);

/// The maximum time that the key may be busy with another program, and the pause between two attempts.
const BUSY_LIMIT: Duration = Duration::from_secs(2);
const BUSY_PAUSE: Duration = Duration::from_millis(50);

/// The maximum time until the key confirms a cancellation. It was measured as 104 ms.
const CANCEL_LIMIT: Duration = Duration::from_secs(1);

/// The maximum wait for one report. After that the exchange looks at its deadlines and at its caller.
const SLICE: Duration = Duration::from_millis(50);

/// The maximum number of reports for other programs in one exchange. A message has at most 129.
const MAX_FOREIGN: usize = 4_096;

/// One exchange with the key.
pub(super) struct Exchange<'k> {
    reports: &'k mut dyn Reports,
    clock: &'k dyn Clock,
    progress: &'k dyn Progress,
    request: &'k Request,
    channel: ChannelId,
    /// That of the own channel: it tells a late response from the sign of another program.
    nonce: [u8; 8],
    /// The monotonic times at which the exchange ends, at the latest, and at which it announces a touch.
    deadline: Duration,
    end: Duration,
    notice_at: Option<Duration>,
    /// The part of the response that has arrived, and the time at which its next part is late.
    assembly: Option<(Assembly, Duration)>,
    /// The number of reports for other programs.
    foreign: usize,
    /// The time at which a busy key is given up.
    busy_until: Option<Duration>,
    /// Whether the request was sent again after ERROR 04.
    has_resynchronised: bool,
    /// Whether the request was sent again although the key may have received it.
    has_repeated: bool,
    /// Whether another program has begun in the middle of the response.
    is_disturbed: bool,
}

impl<'k> Exchange<'k> {
    /// An exchange on the channel with this nonce, which ends at the monotonic time `end` at the latest.
    pub(super) fn new(
        reports: &'k mut dyn Reports,
        clock: &'k dyn Clock,
        progress: &'k dyn Progress,
        request: &'k Request,
        (channel, nonce): (ChannelId, [u8; 8]),
        end: Duration,
    ) -> Self {
        let now = clock.monotonic();
        Self {
            reports,
            clock,
            progress,
            request,
            channel,
            nonce,
            deadline: end.min(now + request.limit),
            end,
            notice_at: request.may_wait_for_touch.then_some(now + TOUCH_NOTICE),
            assembly: None,
            foreign: 0,
            busy_until: None,
            has_resynchronised: false,
            has_repeated: false,
            is_disturbed: false,
        }
    }

    /// Sends the request and returns the response: status word and data. Also returns whether a late response may follow,
    /// which must not be taken for that of the next request.
    pub(super) fn run(mut self) -> (Result<Zeroizing<Vec<u8>>, Error>, bool) {
        let result = self.converse();
        let is_over = match result {
            Ok(_) | Err(Error::Busy | Error::UnknownCommand | Error::Refused(_)) => true,
            Err(Error::Cancelled) => self.cancel(),
            // CANCEL would take as long as the transfer that failed, with the lock.
            Err(Error::Device(ref error)) if error.is_unreachable() => false,
            Err(_) => {
                // The key may still wait for a touch. The error is that of the exchange, which is reported.
                let _ = self.send(command::CANCEL, &[]);
                false
            }
        };
        (result, !is_over || self.has_repeated)
    }

    fn converse(&mut self) -> Result<Zeroizing<Vec<u8>>, Error> {
        self.empty_queue()?;
        self.send(command::SECRETS, &self.request.message)?;
        loop {
            // What has arrived counts, even if this computer was asleep until after the deadline.
            if let Some(report) = self.receive(SLICE)? {
                self.handle(&Frame::parse(&report))?;
            }
            if let Some(message) = self.assembly.as_mut().and_then(|(assembly, _)| assembly.finish()) {
                return Ok(message);
            }
            self.check_times()?;
        }
    }

    fn handle(&mut self, frame: &Frame<'_>) -> Result<(), Error> {
        match frame.packet {
            Packet::First { command: command::INIT, data, .. } if frame.channel == BROADCAST => {
                if data.starts_with(&self.nonce) { Ok(()) } else { self.notice_other_program() }
            }
            _ if frame.channel != self.channel => self.count_foreign(),
            Packet::First { command: command::SECRETS, length, data } => {
                self.assembly = Some((Assembly::begin(length, data)?, self.piece_deadline()));
                Ok(())
            }
            Packet::First { command: command::KEEPALIVE, data, .. } => {
                // Status 2 means that the key waits for a touch.
                if data.first() == Some(&2) {
                    self.announce_touch();
                }
                self.count_foreign()
            }
            Packet::First { command: command::ERROR, data, .. } => {
                self.retry_after(data.first().copied().unwrap_or_default())
            }
            Packet::First { command, .. } => Err(Error::UnexpectedCommand(command)),
            Packet::Next { number, data } => {
                let deadline = self.piece_deadline();
                match &mut self.assembly {
                    Some((assembly, late)) => {
                        *late = deadline;
                        assembly.add(number, data)
                    }
                    None => self.count_foreign(),
                }
            }
        }
    }

    /// Another program has allocated a channel, which makes the key drop the request without a word.
    fn notice_other_program(&mut self) -> Result<(), Error> {
        self.count_foreign()?;
        if self.assembly.is_some() {
            self.is_disturbed = true;
            return Ok(());
        }
        self.send_again()
    }

    fn send_again(&mut self) -> Result<(), Error> {
        if !self.request.is_repeatable {
            return Err(Error::Interrupted);
        }
        tracing::debug!("another program has ended a request to a key; sending it again");
        self.has_repeated = true;
        if self.notice_at.is_some() || !self.request.may_wait_for_touch {
            return self.restart();
        }
        // The lock was released for a touch. While another program holds it, this request would make the key busy for it.
        let left = self.end.saturating_sub(self.clock.monotonic());
        match self.reports.lock(BUSY_LIMIT.min(left)) {
            Ok(()) | Err(device::Error::Busy) => self.restart()?,
            Err(error) => return Err(error.into()),
        }
        self.reports.unlock();
        Ok(())
    }

    /// Sends the request again, from its start.
    fn restart(&mut self) -> Result<(), Error> {
        let now = self.clock.monotonic();
        self.deadline = self.end.min(now + self.request.limit);
        self.notice_at = self.notice_at.map(|_| now + TOUCH_NOTICE);
        (self.assembly, self.is_disturbed) = (None, false);
        self.send(command::SECRETS, &self.request.message)
    }

    /// The key has not carried out the request, so it may always be sent again.
    fn retry_after(&mut self, code: u8) -> Result<(), Error> {
        match code {
            // 06 by the specification, 00 in fact.
            0x00 | 0x06 => {
                let now = self.clock.monotonic();
                if now >= *self.busy_until.get_or_insert(now + BUSY_LIMIT) {
                    return Err(Error::Busy);
                }
                self.clock.pause(BUSY_PAUSE);
                self.restart()
            }
            // The key has waited for the rest of an earlier message.
            0x04 if !self.has_resynchronised => {
                self.has_resynchronised = true;
                self.restart()
            }
            0x01 => Err(Error::UnknownCommand),
            code => Err(Error::Refused(code)),
        }
    }

    fn check_times(&mut self) -> Result<(), Error> {
        if self.progress.is_cancelled() {
            return Err(Error::Cancelled);
        }
        let now = self.clock.monotonic();
        if let Some((_, late)) = &self.assembly {
            return match now >= *late {
                // A key may send its response piece by piece, or begin it again and again.
                _ if now >= self.end => Err(Error::BrokenOff),
                true if self.is_disturbed => self.send_again(),
                true => Err(Error::BrokenOff),
                false => Ok(()),
            };
        }
        if now >= self.deadline {
            return Err(if self.foreign == 0 { Error::Silence } else { Error::OtherChannels });
        }
        if self.notice_at.is_some_and(|notice_at| now >= notice_at) {
            self.announce_touch();
        }
        Ok(())
    }

    fn announce_touch(&mut self) {
        self.notice_at = None;
        // No other program has to wait for the lock as long as a person takes.
        self.reports.unlock();
        self.progress.touch_needed();
    }

    /// Ends the request, and the key's wait for a touch. Returns whether the key has confirmed that.
    fn cancel(&mut self) -> bool {
        let end = self.clock.monotonic() + CANCEL_LIMIT;
        if self.send(command::CANCEL, &[]).is_err() {
            return false;
        }
        while self.clock.monotonic() < end {
            // An error is reported by the next request.
            let Ok(report) = self.receive(SLICE) else { return false };
            if report.is_some_and(|report| self.is_response(&Frame::parse(&report))) {
                return true;
            }
        }
        false
    }

    fn is_response(&self, frame: &Frame<'_>) -> bool {
        let is_last =
            matches!(frame.packet, Packet::First { command: command::SECRETS | command::ERROR, .. });
        is_last && frame.channel == self.channel
    }

    /// Drops what the key has sent before the request.
    fn empty_queue(&mut self) -> Result<(), Error> {
        while self.receive(Duration::ZERO)?.is_some() {
            self.count_foreign()?;
        }
        self.foreign = 0;
        Ok(())
    }

    fn count_foreign(&mut self) -> Result<(), Error> {
        self.foreign += 1;
        if self.foreign > MAX_FOREIGN { Err(Error::Flood) } else { Ok(()) }
    }

    fn piece_deadline(&self) -> Duration {
        self.clock.monotonic() + PIECE_LIMIT
    }

    fn send(&mut self, command: u8, message: &[u8]) -> Result<(), Error> {
        for report in reports(self.channel, command, message) {
            self.reports.send(&*report)?;
        }
        Ok(())
    }

    fn receive(&mut self, timeout: Duration) -> Result<Option<Zeroizing<[u8; REPORT]>>, Error> {
        let mut report = Zeroizing::new([0; REPORT]);
        match self.reports.receive(&mut *report, timeout)? {
            0 => Ok(None),
            REPORT => Ok(Some(report)),
            length => Err(Error::ReportLength(length)),
        }
    }
}
