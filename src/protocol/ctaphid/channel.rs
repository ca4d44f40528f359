//! The allocation of a channel (CTAP 2.1 §11.2.9.1.3).

use std::time::Duration;

use super::error::Error;
use super::frame::{BROADCAST, ChannelId, Frame, Packet, REPORT, command, reports};
use crate::clock::Clock;
use crate::device::Reports;

/// The maximum duration of the allocation. A key needs about 10 ms.
const LIMIT: Duration = Duration::from_secs(1);

/// The time after which the message is sent again. It is lost if another program sends one at the same moment.
const INTERVAL: Duration = Duration::from_millis(300);

/// The pause after an error of a busy key, and the maximum wait for one report.
const PAUSE: Duration = Duration::from_millis(50);

/// Allocates a channel. `nonce` tells the response from those of other programs.
pub(super) fn allocate(
    reports: &mut dyn Reports,
    clock: &dyn Clock,
    nonce: [u8; 8],
) -> Result<ChannelId, Error> {
    let end = clock.monotonic() + LIMIT;
    let mut failure = Error::Silence;
    loop {
        send(reports, nonce)?;
        let again = clock.monotonic() + INTERVAL;
        while clock.monotonic() < again {
            match look(reports, nonce)? {
                Look::Channel(channel) => return Ok(channel),
                Look::Error(0x00 | 0x06) => {
                    failure = Error::Busy;
                    clock.pause(PAUSE);
                    break;
                }
                Look::Error(code) => return Err(Error::Refused(code)),
                Look::Nothing => {}
                Look::Other if failure == Error::Silence => failure = Error::OtherChannels,
                Look::Other => {}
            }
        }
        if clock.monotonic() >= end {
            return Err(failure);
        }
    }
}

fn send(device: &mut dyn Reports, nonce: [u8; 8]) -> Result<(), Error> {
    for report in reports(BROADCAST, command::INIT, &nonce) {
        device.send(&*report)?;
    }
    Ok(())
}

/// One look at the key.
enum Look {
    Channel(ChannelId),
    Error(u8),
    /// A report for another program.
    Other,
    Nothing,
}

fn look(device: &mut dyn Reports, nonce: [u8; 8]) -> Result<Look, Error> {
    let mut report = [0; REPORT];
    match device.receive(&mut report, PAUSE)? {
        0 => return Ok(Look::Nothing),
        REPORT => {}
        length => return Err(Error::ReportLength(length)),
    }
    let frame = Frame::parse(&report);
    Ok(match frame.packet {
        Packet::First { command: command::INIT, length, data } if frame.channel == BROADCAST => {
            match data.split_first_chunk::<8>() {
                Some((theirs, [a, b, c, d, ..])) if *theirs == nonce => {
                    let channel = [*a, *b, *c, *d];
                    if length < 17 || [BROADCAST, [0; 4]].contains(&channel) {
                        return Err(Error::NoChannel);
                    }
                    Look::Channel(channel)
                }
                _ => Look::Other,
            }
        }
        Packet::First { command: command::ERROR, data, .. } if frame.channel == BROADCAST => {
            Look::Error(data.first().copied().unwrap_or_default())
        }
        _ => Look::Other,
    })
}
