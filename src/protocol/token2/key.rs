//! The application behind the key's FIDO interface.

use std::time::Duration;

use zeroize::Zeroizing;

use super::carrier::{Carrier, Wait};
use super::error::Error;
use super::frame::{Frame, REPORT, ctaphid_error, reports};
use super::insertion::Insertion;
use crate::clock::Clock;
use crate::device::{Progress, Reports};
use crate::iso7816::{Command, Response};
use crate::oath;

/// The maximum wait for the lock of the device.
const LOCK_LIMIT: Duration = Duration::from_secs(1);

/// The maximum wait for the first report, and between two reports. A busy key sends reports all the time.
const SILENCE_LIMIT: Duration = Duration::from_secs(3);

/// The maximum duration of an exchange without a touch, and with one: the key itself ends its wait after 20 s.
const QUICK_LIMIT: Duration = Duration::from_secs(6);
const TOUCH_LIMIT: Duration = Duration::from_secs(30);

/// The time from the begin of a session in which it may send commands without a touch, such as all pages of a list. It is
/// shorter than the time after which a token counts as stuck.
const SESSION_LIMIT: Duration = Duration::from_secs(7);

/// The time of a busy key after which it is taken to wait for a touch.
const TOUCH_NOTICE: Duration = Duration::from_millis(500);

/// The time without a report after which no late response is expected any more, and the maximum wait for that.
const QUIET: Duration = Duration::from_millis(300);
const SETTLE_LIMIT: Duration = Duration::from_secs(1);

/// The maximum wait for one report. After that the exchange looks at its deadlines.
const SLICE: Duration = Duration::from_millis(50);

/// The maximum number of reports for other programs in one exchange.
const MAX_FOREIGN: usize = 4_096;

/// The maximum length of a response in bytes.
const MAX_BYTES: usize = 16_384;

/// An open FIDO interface.
///
/// There is no command that ends the key's wait for a touch, and a response does not name its command. So an exchange is not
/// abandoned when its caller leaves, and after an incomplete one the next exchange first waits until the key is quiet.
pub struct Key<'r> {
    reports: &'r mut dyn Reports,
    clock: &'r dyn Clock,
    insertion: &'r Insertion,
    /// The monotonic time at which the exchanges without a touch end.
    end: Duration,
}

/// The response so far, and the moments that matter.
struct Pending {
    data: Zeroizing<Vec<u8>>,
    /// The number of the next report.
    next: u8,
    /// The number of reports for other programs.
    foreign: usize,
    wait: Wait,
    /// The monotonic times: of the first busy report, of the last report, and of the end of the exchange.
    busy_since: Option<Duration>,
    last: Duration,
    end: Duration,
    is_announced: bool,
}

impl<'r> Key<'r> {
    /// The application behind this interface. Sends nothing.
    pub fn new(reports: &'r mut dyn Reports, clock: &'r dyn Clock, insertion: &'r Insertion) -> Self {
        let end = clock.monotonic() + SESSION_LIMIT;
        Self { reports, clock, insertion, end }
    }

    /// Sends a command and waits for its response. The lock of the device is held, but not while the key waits for a touch.
    ///
    /// # Errors
    ///
    /// Any [`Error`], at the latest 30 s after the command.
    pub fn send(
        &mut self,
        command: &Command,
        wait: Wait,
        progress: &dyn Progress,
    ) -> Result<Response, Error> {
        self.reports.lock(LOCK_LIMIT)?;
        let result = self.converse(command, wait, progress);
        self.reports.unlock();
        self.insertion.set_late(!matches!(result, Ok(_) | Err(Error::NotServed | Error::InUse)));
        match result {
            // A key without the application may ignore it as well. To ask again would hold up its FIDO function again.
            Err(Error::Silence) if !self.insertion.has_answered() => Err(Error::NotServed),
            Ok(response) => {
                self.insertion.set_answered();
                Ok(response)
            }
            Err(error) => Err(error),
        }
    }

    fn converse(
        &mut self,
        command: &Command,
        wait: Wait,
        progress: &dyn Progress,
    ) -> Result<Response, Error> {
        self.settle()?;
        if wait == Wait::None && self.clock.monotonic() >= self.end {
            return Err(Error::StaysBusy);
        }
        let sent = reports(&Zeroizing::new(command.to_bytes()));
        for report in &sent {
            self.reports.send(&**report)?;
        }
        let now = self.clock.monotonic();
        let end = if wait == Wait::Touch { now + TOUCH_LIMIT } else { self.end.min(now + QUICK_LIMIT) };
        let mut pending = Pending::new(wait, now, end);
        loop {
            if let Some(report) = self.receive(SLICE)? {
                match sent.first().and_then(|first| ctaphid_error(&report, first)) {
                    Some(true) => return Err(Error::InUse),
                    Some(false) => return Err(Error::NotServed),
                    None => {}
                }
                if pending.take(&report, self.clock.monotonic())? {
                    return pending.finish();
                }
            }
            let now = self.clock.monotonic();
            pending.check_times(now)?;
            if pending.must_announce(now) {
                // No other program has to wait for the lock as long as a person takes.
                self.reports.unlock();
                progress.touch_needed();
            }
        }
    }

    /// Drops the reports that have arrived, and waits for those of an incomplete exchange. A key that still sends reports of
    /// the application is at work.
    fn settle(&mut self) -> Result<(), Error> {
        let end = self.clock.monotonic() + SETTLE_LIMIT;
        let wait = if self.insertion.may_be_late() { QUIET } else { Duration::ZERO };
        let mut last_own = None;
        for _ in 0..MAX_FOREIGN {
            let Some(report) = self.receive(wait)? else { return Ok(()) };
            let now = self.clock.monotonic();
            if Frame::parse(&report) != Frame::Foreign {
                last_own = Some(now);
            }
            if now >= end {
                let is_at_work = last_own.is_some_and(|last| now < last + QUIET);
                return if is_at_work { Err(Error::StaysBusy) } else { Ok(()) };
            }
        }
        Err(Error::Flood)
    }

    /// The next report; `None` if none arrives in time.
    fn receive(&mut self, timeout: Duration) -> Result<Option<Zeroizing<[u8; REPORT]>>, Error> {
        let mut report = Zeroizing::new([0; REPORT]);
        match self.reports.receive(&mut *report, timeout)? {
            0 => Ok(None),
            REPORT => Ok(Some(report)),
            length => Err(Error::ReportLength(length)),
        }
    }
}

impl Pending {
    fn new(wait: Wait, now: Duration, end: Duration) -> Self {
        let data = Zeroizing::new(Vec::with_capacity(MAX_BYTES));
        Self { data, next: 0, foreign: 0, wait, busy_since: None, last: now, end, is_announced: false }
    }

    /// Takes a report. Returns whether the response is complete.
    fn take(&mut self, report: &[u8; REPORT], now: Duration) -> Result<bool, Error> {
        match Frame::parse(report) {
            Frame::Foreign => {
                self.foreign += 1;
                if self.foreign > MAX_FOREIGN { Err(Error::Flood) } else { Ok(false) }
            }
            Frame::Busy => {
                self.last = now;
                self.busy_since.get_or_insert(now);
                Ok(false)
            }
            Frame::Part { number, .. } if number != self.next => {
                Err(Error::Sequence { expected: self.next, received: number })
            }
            Frame::Part { data, is_last, .. } => {
                self.last = now;
                self.next = (self.next + 1) % 16;
                if self.data.len() + data.len() > MAX_BYTES {
                    return Err(Error::Length(self.data.len() + data.len()));
                }
                self.data.extend_from_slice(data);
                Ok(is_last)
            }
        }
    }

    fn finish(self) -> Result<Response, Error> {
        Response::from_bytes(&self.data).map_err(|_| Error::Length(self.data.len()))
    }

    fn check_times(&self, now: Duration) -> Result<(), Error> {
        let is_silent = now >= self.last + SILENCE_LIMIT;
        match (is_silent || now >= self.end, self.data.is_empty(), self.busy_since) {
            (false, ..) => Ok(()),
            (true, false, _) => Err(Error::BrokenOff),
            (true, true, Some(_)) => Err(Error::StaysBusy),
            (true, true, None) => Err(Error::Silence),
        }
    }

    /// Whether the touch must be announced now. It is announced once.
    fn must_announce(&mut self, now: Duration) -> bool {
        let is_waiting = self.busy_since.is_some_and(|since| now >= since + TOUCH_NOTICE);
        let must = is_waiting && self.wait == Wait::Touch && !self.is_announced;
        self.is_announced |= must;
        must
    }
}

impl Carrier for Key<'_> {
    fn exchange(
        &mut self,
        command: &Command,
        wait: Wait,
        progress: &dyn Progress,
    ) -> Result<Response, oath::Error> {
        Ok(self.send(command, wait, progress)?)
    }
}
