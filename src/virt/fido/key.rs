//! The key behind the FIDO interface: it takes reports and gives reports.

use std::collections::VecDeque;
use std::time::Instant;

use super::fault::FidoFault;
use super::message::{ChannelId, Incoming, Part, REPORT, reports};
use crate::iso7816::{Response, Status};
use crate::virt::applet::{Applet, Outcome, Pending, Touch};
use crate::virt::otp::Conditions;
use crate::virt::report_queue::ReportQueue;

/// Commands.
const INIT: u8 = 0x06;
const CBOR: u8 = 0x10;
const CANCEL: u8 = 0x11;
const KEEPALIVE: u8 = 0x3b;
const ERROR: u8 = 0x3f;
const SECRETS: u8 = 0x70;

/// The command authenticatorGetInfo, and its response: status 0, and a map with the versions and an identifier of the model
/// that is zero (CTAP 2.1, section 6.4). There is no authenticator behind it.
const GET_INFO: [u8; 1] = [0x04];
const INFO: &[u8] = b"\0\xa2\x01\x81\x68FIDO_2_0\x03\x50\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

/// Error codes of the key. A busy key sends 00, unlike the specification.
const INVALID_COMMAND: u8 = 0x01;
const INVALID_SEQUENCE: u8 = 0x04;
const BUSY: u8 = 0x00;
const INVALID_CHANNEL: u8 = 0x0b;

/// The status word of a cancelled request, as the firmware has it.
const CANCELLED: Status = Status(0x6500);

const BROADCAST: ChannelId = [0xff; 4];

/// The channel of a program that does not exist.
const STRANGER: ChannelId = [0, 0, 0xab, 0xcd];

/// The FIDO interface of a virtual token.
#[derive(Debug, Default)]
pub(in crate::virt) struct FidoKey {
    channels: u32,
    incoming: Option<Incoming>,
    work: Option<Work>,
    /// The fault of the current request.
    fault: Option<FidoFault>,
    /// The number of reports for other programs that are sent before anything else.
    stream: usize,
    pub(in crate::virt) faults: VecDeque<FidoFault>,
    pub(in crate::virt) outgoing: ReportQueue,
    /// The number of complete messages that the key received.
    pub(in crate::virt) messages: usize,
}

/// A request that the key carries out.
#[derive(Debug)]
struct Work {
    channel: ChannelId,
    kind: WorkKind,
}

#[derive(Debug)]
enum WorkKind {
    /// The response is sent at this time.
    Calculation(Instant, Response),
    /// The wait for a touch, and the times at which it ends and at which the simulated user touches the key.
    Touch(Pending, Instant, Option<Instant>),
    Stalled,
}

impl FidoKey {
    /// Takes a report. Returns the APDU of a complete request, for the log, and whether the key stays plugged in.
    pub(in crate::virt) fn write(
        &mut self,
        report: &[u8; REPORT],
        applet: &mut Applet,
        conditions: Conditions,
    ) -> (Option<Vec<u8>>, bool) {
        self.proceed(applet, conditions);
        match Part::read(report) {
            Part::First(message) if message.is_complete() => {
                return self.receive(message, applet, conditions);
            }
            Part::First(message) => self.incoming = Some(message),
            Part::Next(channel, number, data) => {
                let Some(mut message) = self.incoming.take() else { return (None, true) };
                if !message.add(channel, number, &data) {
                    self.error(channel, INVALID_SEQUENCE);
                } else if message.is_complete() {
                    return self.receive(message, applet, conditions);
                } else {
                    self.incoming = Some(message);
                }
            }
        }
        (None, true)
    }

    /// Carries out what is due.
    pub(in crate::virt) fn proceed(&mut self, applet: &mut Applet, conditions: Conditions) {
        if self.stream > 0 {
            self.stream -= self.outgoing.feed(&foreign(), self.stream);
            return;
        }
        let Some(Work { channel, kind }) = self.work.take() else { return };
        let now = conditions.now;
        let response = match kind {
            WorkKind::Calculation(at, response) if now >= at => response,
            WorkKind::Touch(pending, ..) if conditions.is_touched => applet.complete(&pending, Touch::Given),
            WorkKind::Touch(pending, _, Some(touch)) if now >= touch => {
                applet.complete(&pending, Touch::Given)
            }
            WorkKind::Touch(pending, until, _) if now >= until => applet.complete(&pending, Touch::Missed),
            kind => {
                self.work = Some(Work { channel, kind });
                return;
            }
        };
        self.respond(channel, &response);
    }

    /// The time at which something is due.
    pub(in crate::virt) fn next_event(&self) -> Option<Instant> {
        match &self.work.as_ref()?.kind {
            WorkKind::Calculation(at, _) => Some(*at),
            WorkKind::Touch(_, until, touch) => Some(touch.map_or(*until, |touch| touch.min(*until))),
            WorkKind::Stalled => None,
        }
    }

    pub(in crate::virt) fn waits_for_touch(&self) -> bool {
        self.work.as_ref().is_some_and(|work| matches!(work.kind, WorkKind::Touch(..)))
    }

    /// Ends everything.
    pub(in crate::virt) fn reset(&mut self) {
        (self.work, self.incoming, self.fault, self.stream) = (None, None, None, 0);
    }

    fn receive(
        &mut self,
        message: Incoming,
        applet: &mut Applet,
        conditions: Conditions,
    ) -> (Option<Vec<u8>>, bool) {
        self.messages += 1;
        match (message.command, message.channel) {
            (INIT, _) => self.allocate(message.channel, &message.data),
            (CANCEL, channel) => self.cancel(channel),
            (_, channel) if !self.is_allocated(channel) => self.error(channel, INVALID_CHANNEL),
            (_, channel) if self.work.is_some() => {
                let is_own = self.work.take_if(|work| work.channel == channel).is_some();
                self.error(channel, if is_own { INVALID_SEQUENCE } else { BUSY });
            }
            (SECRETS, channel) => {
                self.fault = self.faults.pop_front();
                let is_here = self.fault != Some(FidoFault::Vanish);
                let is_carried_out = self.begin(channel, &message.data, applet, conditions);
                return (is_carried_out.then_some(message.data), is_here);
            }
            (CBOR, channel) if message.data == GET_INFO => self.send(channel, CBOR, INFO),
            (_, channel) => self.error(channel, INVALID_COMMAND),
        }
        (None, true)
    }

    /// Begins a request. Returns whether the application gets the APDU.
    fn begin(
        &mut self,
        channel: ChannelId,
        apdu: &[u8],
        applet: &mut Applet,
        conditions: Conditions,
    ) -> bool {
        match self.fault {
            Some(FidoFault::Stall) => {
                self.work = Some(Work { channel, kind: WorkKind::Stalled });
                return false;
            }
            Some(FidoFault::Stranger) => {
                self.allocate(BROADCAST, b"stranger");
                return false;
            }
            Some(FidoFault::StrangerAfterwards) => {
                let _dropped = applet.respond_to_message(apdu);
                self.allocate(BROADCAST, b"stranger");
                return true;
            }
            Some(FidoFault::Error(code)) => {
                self.error(channel, code);
                return false;
            }
            Some(FidoFault::Vanish) => return false,
            Some(FidoFault::Stream(count)) => self.stream = count,
            Some(FidoFault::KeepAlive) => self.send(channel, KEEPALIVE, &[2]),
            _ => {}
        }
        let now = conditions.now;
        let kind = match applet.respond_to_message(apdu) {
            Outcome::Answer(response) => WorkKind::Calculation(now + conditions.delay, response),
            Outcome::Touch(pending) => {
                let touch = conditions.touch_after.map(|after| now + after);
                WorkKind::Touch(pending, now + conditions.touch_timeout, touch)
            }
        };
        self.work = Some(Work { channel, kind });
        true
    }

    /// Gives a new channel. The request of another program is dropped without a word.
    fn allocate(&mut self, channel: ChannelId, nonce: &[u8]) {
        (self.work, self.incoming) = (None, None);
        self.channels += 1;
        let version = [2, 1, 9, 0, 0x05];
        let id = self.channels.to_be_bytes();
        self.send(channel, INIT, &[nonce, &id, &version].concat());
    }

    fn is_allocated(&self, channel: ChannelId) -> bool {
        (1..=self.channels).contains(&u32::from_be_bytes(channel))
    }

    /// Ends the request of this channel. Without one, there is no response.
    fn cancel(&mut self, channel: ChannelId) {
        self.stream = 0;
        if self.work.take_if(|work| work.channel == channel).is_some() {
            self.send(channel, SECRETS, &CANCELLED.0.to_be_bytes());
        }
    }

    fn respond(&mut self, channel: ChannelId, response: &Response) {
        let mut message = [&response.status.0.to_be_bytes(), response.data.as_slice()].concat();
        let fault = self.fault.take();
        if matches!(fault, Some(FidoFault::Sequence | FidoFault::BrokenOff)) {
            message.resize(message.len().max(100), 0);
        }
        let channel = if fault == Some(FidoFault::Channel) { STRANGER } else { channel };
        if let Some(FidoFault::Flood(count)) = fault {
            self.outgoing.push(vec![foreign(); count]);
        }
        let mut all = reports(channel, SECRETS, &message);
        match (fault, all.as_mut_slice()) {
            (Some(FidoFault::Sequence), [_, second, ..]) => {
                second.splice(4..5, [1]);
            }
            (Some(FidoFault::BrokenOff), _) => all.truncate(1),
            (Some(FidoFault::ReportLength(length)), [first, ..]) => first.resize(length, 0),
            _ => {}
        }
        self.outgoing.push(all);
    }

    fn error(&mut self, channel: ChannelId, code: u8) {
        self.send(channel, ERROR, &[code]);
    }

    fn send(&mut self, channel: ChannelId, command: u8, message: &[u8]) {
        self.outgoing.push(reports(channel, command, message));
    }
}

/// A report for another program.
fn foreign() -> Vec<u8> {
    reports(STRANGER, KEEPALIVE, &[1]).concat()
}
