//! Exchanges: a request to the token, and its response. The token is looked at until it shows the response, since it sends
//! nothing by itself.

use std::time::Duration;

use zeroize::Zeroizing;

use super::error::Error;
use super::report::{REPORT, Request, Response, Shown};
use crate::clock::Clock;
use crate::device::{self, Reports};

/// The maximum duration of all exchanges of a session. It is shorter than the time after which a token counts as hanging.
const SESSION_LIMIT: Duration = Duration::from_secs(7);

/// The maximum duration of an exchange. The vendor's programs wait 1.6 s for a Nitrokey Pro and 2.3 s for a Nitrokey
/// Storage, and longer while the token shows that it is busy.
const LIMIT: Duration = Duration::from_secs(3);

/// The maximum time until the request of another program has ended.
const IDLE_LIMIT: Duration = Duration::from_secs(1);

/// The maximum time until a response is replaced.
const OVERWRITE_LIMIT: Duration = Duration::from_millis(500);

/// The pause before each of the first looks, their number, and the pause before the later ones. A token needs some
/// milliseconds for most commands, and up to a second to check a PIN.
const SHORT_PAUSE: Duration = Duration::from_millis(2);
const SHORT_PAUSES: u32 = 25;
const LONG_PAUSE: Duration = Duration::from_millis(20);

/// The result of a request that arrived damaged, and was not carried out.
const WRONG_CHECKSUM: u8 = 1;

/// Reads the name of the first HOTP slot. The daemon sends this for nothing else.
const SEPARATOR: (u8, [u8; 1]) = (0x02, [0x10]);

/// The exchanges of one session, with the lock of the device.
pub(super) struct Exchanges<'r> {
    reports: &'r mut dyn Reports,
    clock: &'r dyn Clock,
    deadline: Duration,
    /// Whether a transfer has failed. A further one may take as long, with the lock.
    has_failed: bool,
}

impl<'r> Exchanges<'r> {
    /// The exchanges with the token behind these reports, whose lock the caller has taken.
    pub(super) fn new(reports: &'r mut dyn Reports, clock: &'r dyn Clock) -> Self {
        Self { reports, clock, deadline: clock.monotonic() + SESSION_LIMIT, has_failed: false }
    }

    /// The clock of the host.
    pub(super) fn clock(&self) -> &'r dyn Clock {
        self.clock
    }

    /// Waits until the token takes this request. Returns the checksum of the request that the token last responded to, if
    /// it shows that. The request itself is not sent.
    pub(super) fn prepare(&mut self, request: &Request) -> Result<Option<u32>, Error> {
        let last = self.wait_until_ready()?;
        if last == Some(request.checksum()) {
            // A response to the same request would be taken for the one to this request.
            self.attempt(&separator())?;
        }
        Ok(last)
    }

    /// Sends a request that [`Self::prepare`] was called for, and waits for its response.
    ///
    /// A request that arrived damaged is sent again once, because the token has not carried it out. But a response that says
    /// so names another request, which may be that of another program. So a request that may not run twice is sent once.
    pub(super) fn carry_out(&mut self, request: &Request) -> Result<Response, Error> {
        match self.attempt(request) {
            Err(Error::Damaged) if !request.is_once() => self.attempt(request),
            result => result,
        }
    }

    /// Has the token replace the response that it shows with the name of a slot, as far as it does so soon. Sends nothing after a
    /// transfer that failed.
    pub(super) fn overwrite(&mut self) {
        let request = separator();
        if self.has_failed || self.send(&request).is_err() {
            return;
        }
        let limit = self.clock.monotonic() + OVERWRITE_LIMIT;
        for _ in 0..SHORT_PAUSES {
            self.clock.pause(SHORT_PAUSE);
            match self.look() {
                _ if self.clock.monotonic() >= limit => return,
                Ok(Shown::Response(response)) if response.request == request.checksum() => return,
                Ok(_) | Err(Error::Checksum) => {}
                Err(_) => return,
            }
        }
    }

    /// Releases the lock of the device.
    pub(super) fn unlock(&mut self) {
        self.reports.unlock();
    }

    /// Waits until the token takes requests: it drops those that arrive before.
    fn wait_until_ready(&mut self) -> Result<Option<u32>, Error> {
        let limit = self.limit(IDLE_LIMIT)?;
        loop {
            match self.look() {
                Ok(Shown::Response(last)) => return Ok(Some(last.request)),
                Ok(Shown::Busy) if self.clock.monotonic() >= limit => return Err(Error::InUse),
                Ok(Shown::Busy) => self.clock.pause(LONG_PAUSE),
                // A token that was plugged in just now shows zeros.
                Err(Error::Checksum) => return Ok(None),
                Err(error) => return Err(error),
            }
        }
    }

    /// The end of a wait of this duration, which is not after the deadline of the session.
    fn limit(&self, duration: Duration) -> Result<Duration, Error> {
        let now = self.clock.monotonic();
        if now >= self.deadline {
            return Err(Error::Slow);
        }
        Ok(self.deadline.min(now + duration))
    }

    fn attempt(&mut self, request: &Request) -> Result<Response, Error> {
        let limit = self.limit(LIMIT)?;
        self.send(request)?;
        for looks in 0_u32.. {
            self.clock.pause(if looks < SHORT_PAUSES { SHORT_PAUSE } else { LONG_PAUSE });
            let error = match self.look() {
                Ok(Shown::Response(response)) if response.request == request.checksum() => {
                    return checked(response, request);
                }
                Ok(Shown::Response(response))
                    if response.command == request.command() && response.result == WRONG_CHECKSUM =>
                {
                    return Err(Error::Damaged);
                }
                Ok(Shown::Response(_)) => Error::NoResponse,
                Ok(Shown::Busy) => Error::StaysBusy,
                // The token may have changed the report meanwhile.
                Err(Error::Checksum) => Error::Checksum,
                Err(error) => return Err(error),
            };
            if self.clock.monotonic() >= limit {
                return Err(error);
            }
        }
        Err(Error::NoResponse)
    }

    fn send(&mut self, request: &Request) -> Result<(), Error> {
        let sent = self.reports.send(request.report());
        self.has_failed |= sent.as_ref().is_err_and(device::Error::is_unreachable);
        Ok(sent?)
    }

    fn look(&mut self) -> Result<Shown, Error> {
        let mut report = Zeroizing::new([0; REPORT]);
        // The token always has a report, so the transport does not wait.
        let received = self.reports.receive(&mut *report, Duration::ZERO);
        self.has_failed |= received.as_ref().is_err_and(device::Error::is_unreachable);
        match received? {
            REPORT => Shown::parse(&report),
            length => Err(Error::ReportLength(length)),
        }
    }
}

fn separator() -> Request {
    let (command, payload) = SEPARATOR;
    Request::new(command, &payload)
}

fn checked(response: Response, request: &Request) -> Result<Response, Error> {
    match response.result {
        WRONG_CHECKSUM => Err(Error::Damaged),
        result if response.command != request.command() => {
            Err(Error::Result { command: response.command, result })
        }
        _ => Ok(response),
    }
}
