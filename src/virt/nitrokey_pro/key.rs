//! The key: it takes a report, works for some time, and then shows its response.

use std::collections::VecDeque;
use std::time::Instant;

use super::checksum::crc;
use super::commands::{Application, Result};
use super::fault::NitrokeyProFault as Fault;
use crate::secret::SecretText;
use crate::virt::otp::Conditions;
use crate::virt::spec::CredentialSpec;

/// The length of a report in bytes, and of the part that has a checksum.
pub(in crate::virt) const REPORT: usize = 64;
const CHECKED: usize = REPORT - 4;

/// The states that the first byte of a report shows.
const READY: u8 = 0;
const BUSY: u8 = 1;

/// The places in a response.
const COMMAND: usize = 1;
const DATA: usize = 7;

/// The most commands that the log keeps.
const MAX_LOG: usize = 4_096;

/// The OTP slots of a virtual Nitrokey Pro.
#[derive(Debug)]
pub(in crate::virt) struct NitrokeyProKey {
    application: Application,
    /// The last response, whose first byte is replaced by the state.
    shown: [u8; REPORT],
    /// The response to come, and its time; `None` for a key that stays busy.
    work: Option<(Option<Instant>, [u8; REPORT])>,
    /// The fault of the current request.
    fault: Option<Fault>,
    pub(in crate::virt) faults: VecDeque<Fault>,
    /// The number of requests, also of those with a fault.
    pub(in crate::virt) requests: usize,
    /// The commands of valid requests, oldest first.
    pub(in crate::virt) commands: Vec<u8>,
}

impl NitrokeyProKey {
    pub(in crate::virt) fn new(serial: u32, pin: Option<&SecretText>, slots: &[CredentialSpec]) -> Self {
        Self {
            application: Application::new(serial, pin, slots),
            shown: [0; REPORT],
            work: None,
            fault: None,
            faults: VecDeque::new(),
            requests: 0,
            commands: Vec::new(),
        }
    }

    /// Takes a report. Returns `false` if the key is pulled out by that.
    pub(in crate::virt) fn write(&mut self, report: &[u8; REPORT], conditions: Conditions) -> bool {
        self.proceed(conditions);
        if self.work.is_some() {
            // A key that works drops reports.
            return true;
        }
        self.requests += 1;
        self.fault = self.faults.pop_front();
        let mut received = *report;
        match self.fault {
            Some(Fault::Vanish) => return false,
            Some(Fault::Drop) => return true,
            Some(Fault::Damage) => received[CHECKED - 1] ^= 0x80,
            _ => {}
        }
        let mut response = self.respond(&received, conditions.now);
        if self.fault == Some(Fault::Interference) {
            response = self.respond(&other_program(), conditions.now);
        }
        if self.fault == Some(Fault::Checksum) {
            response[CHECKED] ^= 1;
        }
        let until = (self.fault != Some(Fault::Busy)).then(|| conditions.now + conditions.delay);
        self.work = Some((until, response));
        true
    }

    /// The current report, usually of 64 bytes.
    pub(in crate::virt) fn read(&mut self, conditions: Conditions) -> Vec<u8> {
        self.proceed(conditions);
        let state = if self.work.is_some() { BUSY } else { READY };
        let [_, rest @ ..] = self.shown;
        if let (Some(Fault::OtherTime(time)), None) = (self.fault, &self.work) {
            self.fault = None;
            self.shown = self.respond(&set_time(time), conditions.now);
        }
        let report: Vec<_> = std::iter::once(state).chain(rest).collect();
        let length = match self.fault {
            Some(Fault::ReportLength(length)) => length,
            _ => REPORT,
        };
        report.into_iter().cycle().take(length).collect()
    }

    /// Switches it off: the clock, the temporary password and the last response are gone.
    pub(in crate::virt) fn reset(&mut self) {
        self.application.reset();
        self.shown = [0; REPORT];
        self.work = None;
        self.fault = None;
    }

    pub(in crate::virt) fn application(&mut self) -> &mut Application {
        &mut self.application
    }

    fn proceed(&mut self, conditions: Conditions) {
        if let Some((Some(until), response)) = self.work
            && conditions.now >= until
        {
            self.shown = response;
            self.work = None;
        }
    }

    fn respond(&mut self, request: &[u8; REPORT], now: Instant) -> [u8; REPORT] {
        let (content, sum) = request.split_at(CHECKED);
        let [command, payload @ ..] = content else { return self.shown };
        let calculated = crc(content);
        let mut response = [0; REPORT];
        let (result, data) = if sum == calculated.to_le_bytes() {
            if self.commands.len() < MAX_LOG {
                self.commands.push(*command);
            }
            self.application.carry_out(*command, payload, now)
        } else {
            (Result::WrongChecksum, Vec::new())
        };
        let header = std::iter::once(*command).chain(calculated.to_le_bytes()).chain([result as u8]);
        response.iter_mut().skip(COMMAND).zip(header).for_each(|(to, from)| *to = from);
        response.iter_mut().take(CHECKED).skip(DATA).zip(data).for_each(|(to, from)| *to = from);
        let own = crc(response.get(..CHECKED).unwrap_or_default()).to_le_bytes();
        response.iter_mut().skip(CHECKED).zip(own).for_each(|(to, from)| *to = from);
        response
    }
}

/// The request of another program: it locks the key.
fn other_program() -> [u8; REPORT] {
    sealed(&[0x70])
}

/// The request of another program: it gives the key this Unix time.
fn set_time(time: u64) -> [u8; REPORT] {
    sealed(&[&[0x0b, 0][..], &time.to_le_bytes()].concat())
}

fn sealed(content: &[u8]) -> [u8; REPORT] {
    let mut request = [0; REPORT];
    request.iter_mut().zip(content).for_each(|(to, from)| *to = *from);
    let sum = crc(&request[..CHECKED]).to_le_bytes();
    request[CHECKED..].copy_from_slice(&sum);
    request
}
