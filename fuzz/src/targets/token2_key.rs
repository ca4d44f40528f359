//! A Token2 key whose reports, or responses as a card, are the input.
//!
//! The input is a list of steps; each command takes the steps up to the next report that ends a response, or the next
//! response. The lower half of a step's first byte is its kind. BYTES is a number of bytes in one byte, and these bytes.
//!
//! | kind | what follows | what the key sends over HID | what the card sends |
//! |---|---|---|---|
//! | 0 | BYTES | a response with status 9000 | the same |
//! | 1 | BYTES | the first of two reports of a response, whose data is at least 62 bytes | the first part with 6110 |
//! | 2 | 2 bytes | a response with this status | the same |
//! | 3 | | as many reports of a busy key as the upper half says | nothing |
//! | 4 | 64 bytes | this report | these bytes |
//! | 5 | BYTES | a report of another length | these bytes |
//! | 6 | | nothing: it is pulled out | the same |
//! | 7 | | nothing: another program has the lock | nothing |
//! | 8 | | the report of another program | nothing |
//! | other | | silence | 6F00 |

use std::collections::VecDeque;
use std::time::Duration;

use oathbridge::device::{Error, HidKind, Progress, Reports, Transaction};
use oathbridge::iso7816::{Command, Response};

use super::super::caller::Caller;
use super::super::input::Input;

const REPORT: usize = 64;
const DATA: usize = REPORT - 3;

/// The time of a look at a key that is silent.
pub(super) const MAX_SILENCE: Duration = Duration::from_secs(1);

/// What happened since the last call of [`ScriptedKey::begin`].
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    /// How often one entry was requested.
    pub(super) codes: usize,
    /// The bytes that were sent.
    pub(super) data: Vec<u8>,
}

/// A key that sends what its script says. After the end it is silent.
pub(super) struct ScriptedKey<'a> {
    pub(super) caller: &'a Caller,
    script: Input<'a>,
    queue: VecDeque<Vec<u8>>,
    is_removed: bool,
    is_held: bool,
    /// The command that arrives.
    command: Vec<u8>,
    pub(super) seen: Seen,
}

impl<'a> ScriptedKey<'a> {
    pub(super) fn new(caller: &'a Caller, script: Input<'a>) -> Self {
        Self {
            caller,
            script,
            queue: VecDeque::new(),
            is_removed: false,
            is_held: false,
            command: Vec::new(),
            seen: Seen::default(),
        }
    }

    fn check(&self) -> Result<(), Error> {
        if self.is_removed { Err(Error::Removed) } else { Ok(()) }
    }

    /// Notes a command. That for one entry may advance a counter.
    fn note(&mut self, command: &[u8]) {
        let is_one = matches!(command, [0x80, 0xc5, 0x05, 0x00, 0, _, _, 0x01, ..]);
        self.seen.codes += usize::from(is_one);
    }

    /// The reports up to the end of a response.
    fn answer(&mut self) {
        let mut number = 0;
        while let Some(step) = self.script.next_byte() {
            let (reports, is_end) = self.reports(step, &mut number);
            self.queue.extend(reports);
            if is_end {
                return;
            }
        }
    }

    fn reports(&mut self, step: u8, number: &mut u8) -> (Vec<Vec<u8>>, bool) {
        match step & 0x0f {
            0 => {
                let message = [self.script.counted(), &[0x90, 0x00]].concat();
                (parts(&message, number, false), true)
            }
            1 => {
                let mut message = self.script.counted().to_vec();
                message.resize(message.len().max(DATA), 0);
                (parts(&message, number, true), false)
            }
            2 => (parts(&self.script.array::<2>(), number, false), true),
            3 => (vec![report(0xc0, &[]); usize::from(step >> 4)], false),
            4 => (vec![self.script.array::<REPORT>().to_vec()], true),
            5 => (vec![self.script.counted().to_vec()], true),
            6 => {
                self.is_removed = true;
                (Vec::new(), true)
            }
            7 => {
                self.is_held = true;
                (Vec::new(), false)
            }
            8 => (vec![report_of_another_program()], false),
            _ => (Vec::new(), true),
        }
    }

    fn response(&mut self) -> Result<Vec<u8>, Error> {
        self.check()?;
        let step = self.script.next_byte().ok_or(Error::Removed)?;
        let response = match step & 0x0f {
            0 => [self.script.counted(), &[0x90, 0x00]].concat(),
            1 => [self.script.counted(), &[0x61, 0x10]].concat(),
            2 => self.script.array::<2>().to_vec(),
            4 => self.script.array::<REPORT>().to_vec(),
            5 => self.script.counted().to_vec(),
            6 => {
                self.is_removed = true;
                return Err(Error::Removed);
            }
            _ => vec![0x6f, 0x00],
        };
        Ok(response)
    }
}

impl Reports for ScriptedKey<'_> {
    fn kind(&self) -> HidKind {
        HidKind::Fido
    }

    fn send(&mut self, report: &[u8]) -> Result<(), Error> {
        self.check()?;
        assert_eq!(report.len(), REPORT, "a report must have 64 bytes");
        assert_eq!(report[0], 0x21, "a report must have the mark of the application");
        self.command.extend(&report[3..3 + usize::from(report[2])]);
        if report[1] & 0x20 == 0 {
            let command = std::mem::take(&mut self.command);
            self.note(&command);
            self.answer();
        }
        Ok(())
    }

    fn receive(&mut self, report: &mut [u8], timeout: Duration) -> Result<usize, Error> {
        self.check()?;
        let Some(next) = self.queue.pop_front() else {
            self.caller.clock.advance(timeout.min(MAX_SILENCE));
            return Ok(0);
        };
        self.caller.clock.advance(Duration::from_millis(1).min(timeout));
        let length = next.len().min(report.len());
        report[..length].copy_from_slice(&next[..length]);
        self.seen.data.extend(next.iter().skip(3));
        Ok(next.len())
    }

    fn lock(&mut self, timeout: Duration) -> Result<(), Error> {
        if std::mem::take(&mut self.is_held) {
            self.caller.clock.advance(timeout);
            return Err(Error::Busy);
        }
        self.caller.set_locked(true);
        Ok(())
    }

    fn unlock(&mut self) {
        self.caller.set_locked(false);
    }
}

impl Transaction for ScriptedKey<'_> {
    fn transmit(&mut self, command: &Command, _: &dyn Progress) -> Result<Response, Error> {
        self.note(&command.to_bytes());
        let response = self.response()?;
        self.seen.data.extend(&response);
        Response::from_bytes(&response).map_err(|error| Error::Failed(error.to_string()))
    }
}

fn parts(message: &[u8], number: &mut u8, has_more: bool) -> Vec<Vec<u8>> {
    let count = message.chunks(DATA).count();
    let mut reports = Vec::new();
    for (index, data) in message.chunks(DATA).enumerate() {
        let more = if has_more || index + 1 < count { 0x20 } else { 0 };
        reports.push(report(more | *number, data));
        *number = (*number + 1) % 16;
    }
    reports
}

fn report(flags: u8, data: &[u8]) -> Vec<u8> {
    let length = u8::try_from(data.len()).unwrap_or_default();
    let mut report = [&[0x21, flags, length], data].concat();
    report.resize(REPORT, 0);
    report
}

fn report_of_another_program() -> Vec<u8> {
    let mut report = vec![0, 0, 0xab, 0xcd, 0xbb];
    report.resize(REPORT, 0);
    report
}
