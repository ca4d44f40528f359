//! One exchange: a request to the token, and its response. The token is looked at until it shows the response, since it
//! sends nothing by itself.

use std::time::Duration;

use zeroize::Zeroizing;

use super::error::Error;
use super::report::{REPORT, Request, Response, Shown};
use crate::clock::Clock;
use crate::device::Reports;

/// The maximum duration of an exchange. The vendor's programs wait 1.6 s for a Nitrokey Pro and 2.3 s for a Nitrokey
/// Storage, and longer while the token shows that it is busy.
const LIMIT: Duration = Duration::from_secs(3);

/// The maximum time until the request of another program has ended.
const IDLE_LIMIT: Duration = Duration::from_secs(1);

/// The pause before each of the first looks, their number, and the pause before the later ones. A token needs some
/// milliseconds for most commands, and up to a second to check a PIN.
const SHORT_PAUSE: Duration = Duration::from_millis(2);
const SHORT_PAUSES: u32 = 25;
const LONG_PAUSE: Duration = Duration::from_millis(20);

/// The result of a request that arrived damaged, and was not carried out.
const WRONG_CHECKSUM: u8 = 1;

/// Reads the name of the first HOTP slot. The daemon sends this for nothing else.
const SEPARATOR: (u8, [u8; 1]) = (0x02, [0x10]);

/// Sends a request, and waits for its response. The caller holds the lock of the device.
///
/// A request that arrived damaged is sent again once, because the token has not carried it out.
pub(super) fn run(
    reports: &mut dyn Reports,
    clock: &dyn Clock,
    request: &Request,
) -> Result<Response, Error> {
    if wait_until_ready(reports, clock)? == Some(request.checksum()) {
        // A response to the same request would be taken for the one to this request.
        let (command, payload) = SEPARATOR;
        attempt(reports, clock, &Request::new(command, &payload))?;
    }
    match attempt(reports, clock, request) {
        Err(Error::Damaged) => attempt(reports, clock, request),
        result => result,
    }
}

/// Waits until the token takes requests: it drops those that arrive before. Returns the checksum of the request that it
/// last responded to, if it shows that.
fn wait_until_ready(reports: &mut dyn Reports, clock: &dyn Clock) -> Result<Option<u32>, Error> {
    let limit = clock.monotonic() + IDLE_LIMIT;
    loop {
        match look(reports) {
            Ok(Shown::Response(last)) => return Ok(Some(last.request)),
            Ok(Shown::Busy) if clock.monotonic() >= limit => return Err(Error::InUse),
            Ok(Shown::Busy) => clock.pause(LONG_PAUSE),
            // A token that was plugged in just now shows zeros.
            Err(Error::Checksum) => return Ok(None),
            Err(error) => return Err(error),
        }
    }
}

fn attempt(reports: &mut dyn Reports, clock: &dyn Clock, request: &Request) -> Result<Response, Error> {
    let limit = clock.monotonic() + LIMIT;
    reports.send(request.report())?;
    for looks in 0_u32.. {
        clock.pause(if looks < SHORT_PAUSES { SHORT_PAUSE } else { LONG_PAUSE });
        let error = match look(reports) {
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
        if clock.monotonic() >= limit {
            return Err(error);
        }
    }
    Err(Error::NoResponse)
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

fn look(reports: &mut dyn Reports) -> Result<Shown, Error> {
    let mut report = Zeroizing::new([0; REPORT]);
    // The token always has a report, so the transport does not wait.
    match reports.receive(&mut *report, Duration::ZERO)? {
        REPORT => Shown::parse(&report),
        length => Err(Error::ReportLength(length)),
    }
}
