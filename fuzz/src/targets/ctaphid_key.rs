//! A FIDO interface whose reports are the input.
//!
//! The input is a list of steps. The lower half of a step's first byte is its kind, and the upper half the delay of its
//! report, in units of 64 ms. BYTES is a number of bytes in one byte, and these bytes.
//!
//! | kind | what follows | what the key does |
//! |---|---|---|
//! | 0 | | sends nothing for one wait |
//! | 1 | BYTES | sends a report of the own channel, filled up with zeros |
//! | 2 | BYTES | sends exactly these bytes |
//! | 3 | BYTES | gives a channel: INIT with the nonce of the host, then these bytes |
//! | 4 | code | sends an error to the own channel |
//! | 5 | BYTES | sends a report of the broadcast channel |
//! | 6 | times less one, BYTES | sends a whole response: these bytes, so many times |
//! | 7 | | is pulled out |
//! | 8 | times | sends its last report again, so many times modulo 32; 255 is a flood |
//! | 9, 10 | | the caller leaves; another program has the lock at the next try |
//! | 11 | BYTES | sends the next report of a response |
//! | 12 to 15 | BYTES | sends the first report of a response: the low byte of its length, then data |

use std::collections::VecDeque;
use std::time::Duration;

use oathbridge::clock::Clock;
use oathbridge::device::{Error, HidKind, Reports};

use super::super::caller::Caller;
use super::super::input::Input;

pub(super) const REPORT: usize = 64;
const BROADCAST: [u8; 4] = [0xff; 4];

/// The commands with the bit of a first report.
const INIT: u8 = 0x86;
pub(super) const SECRETS: u8 = 0xf0;
const ERROR: u8 = 0xbf;

/// The time that a report takes, and the unit of the delays in the script.
const REPORT_TIME: Duration = Duration::from_millis(1);
const DELAY: Duration = Duration::from_millis(64);

/// The longest wait for a report. Each wait in a row takes twice as long as the one before it, so that a long
/// silence has few waits.
pub(super) const MAX_SILENCE: Duration = Duration::from_secs(1);

/// The number of repetitions that a flood has, and the limit of other repetitions.
const FLOOD: usize = 4_200;
const MAX_REPEATS: usize = 32;

/// A key that sends what its script says. After the end of the script it is silent.
pub(super) struct ScriptedKey<'a> {
    pub(super) caller: &'a Caller,
    pub(super) script: Input<'a>,
    /// Reports that come before the rest of the script.
    queue: VecDeque<Vec<u8>>,
    /// The time at which the first of them arrives.
    due: Duration,
    /// The shortest duration of the next wait without a report.
    silence: Duration,
    last: Vec<u8>,
    /// The number of further times that the last report comes.
    repeats: usize,
    nonce: [u8; 8],
    /// The channel of the last message to the key.
    channel: [u8; 4],
    number: u8,
    is_lock_taken: bool,
    /// What the key was sent and has sent, for the properties.
    pub(super) seen: Seen,
}

#[derive(Default)]
pub(super) struct Seen {
    /// The message of the response: its announced length, and the data since its first report.
    pub(super) announced: usize,
    pub(super) data: Vec<u8>,
    /// The number of requests of the exchange, and of errors of the key.
    pub(super) requests: usize,
    pub(super) errors: usize,
}

impl<'a> ScriptedKey<'a> {
    pub(super) fn new(caller: &'a Caller, script: Input<'a>) -> Self {
        Self {
            caller,
            script,
            queue: VecDeque::new(),
            due: Duration::ZERO,
            silence: REPORT_TIME,
            last: Vec::new(),
            repeats: 0,
            nonce: [0; 8],
            channel: [0; 4],
            number: 0,
            is_lock_taken: false,
            seen: Seen::default(),
        }
    }

    /// Fetches the next step of the script, if no report is on its way.
    fn advance_script(&mut self) -> Result<(), Error> {
        while self.queue.is_empty() {
            if self.repeats > 0 {
                self.repeats -= 1;
                self.queue.push_back(self.last.clone());
                return Ok(());
            }
            let Some(step) = self.script.next_byte() else { return Ok(()) };
            match self.step(step & 0x0f) {
                Step::Report(report) => self.queue.push_back(report),
                Step::Silence => return Ok(()),
                Step::Removed => return Err(Error::Removed),
                Step::Nothing => continue,
            }
            self.due = self.caller.clock.monotonic() + DELAY * u32::from(step >> 4);
        }
        Ok(())
    }

    fn step(&mut self, step: u8) -> Step {
        let (own, bytes) = (self.channel, &mut self.script);
        Step::Report(match step {
            0 => return Step::Silence,
            1 => padded(&own, &[], bytes.counted()),
            2 => bytes.counted().to_vec(),
            3 => padded(&BROADCAST, &[&[INIT, 0, 17][..], &self.nonce].concat(), bytes.counted()),
            4 => padded(&own, &[ERROR, 0, 1], &[bytes.byte()]),
            5 => padded(&BROADCAST, &[], bytes.counted()),
            6 => {
                let (times, part) = (usize::from(bytes.byte()) + 1, bytes.counted());
                self.queue = message(own, &part.repeat(times));
                return Step::Nothing;
            }
            7 => return Step::Removed,
            8 => {
                self.repeats = match bytes.byte() {
                    u8::MAX => FLOOD,
                    times => usize::from(times) % MAX_REPEATS,
                };
                return Step::Nothing;
            }
            9 => {
                self.caller.leave();
                return Step::Nothing;
            }
            10 => {
                self.is_lock_taken = true;
                return Step::Nothing;
            }
            11 => padded(&own, &[self.number & 0x7f], bytes.counted()),
            _ => padded(&own, &[SECRETS, 0], bytes.counted()),
        })
    }

    fn record(&mut self, report: &[u8]) {
        self.number = self.number.wrapping_add(1);
        if report.len() != REPORT || !report.starts_with(&self.channel) {
            return;
        }
        match report[4] {
            SECRETS => {
                self.number = 0;
                self.seen.announced = usize::from(u16::from_be_bytes([report[5], report[6]]));
                self.seen.data = report[7..].to_vec();
            }
            ERROR => self.seen.errors += 1,
            0..0x80 => self.seen.data.extend(&report[5..]),
            _ => {}
        }
    }
}

enum Step {
    Report(Vec<u8>),
    Silence,
    Nothing,
    Removed,
}

/// A report of the usual length.
fn padded(channel: &[u8], header: &[u8], data: &[u8]) -> Vec<u8> {
    let mut report = [channel, header, data].concat();
    report.resize(REPORT, 0);
    report
}

/// A whole response in order.
fn message(channel: [u8; 4], bytes: &[u8]) -> VecDeque<Vec<u8>> {
    let (first, rest) = bytes.split_at(bytes.len().min(REPORT - 7));
    let [high, low] = u16::try_from(bytes.len()).unwrap_or(u16::MAX).to_be_bytes();
    let next = (0..0x80).zip(rest.chunks(REPORT - 5)).map(|(number, data)| padded(&channel, &[number], data));
    std::iter::once(padded(&channel, &[SECRETS, high, low], first)).chain(next).collect()
}

impl Reports for ScriptedKey<'_> {
    fn kind(&self) -> HidKind {
        HidKind::Fido
    }

    fn send(&mut self, report: &[u8]) -> Result<(), Error> {
        assert_eq!(report.len(), REPORT, "a report of another length was sent");
        self.caller.clock.advance(REPORT_TIME);
        match report.first_chunk::<4>() {
            Some(&BROADCAST) => self.nonce.copy_from_slice(&report[7..15]),
            Some(channel) => self.channel = *channel,
            None => {}
        }
        if report[..4] != BROADCAST && report[4] == SECRETS {
            self.seen.requests += 1;
        }
        Ok(())
    }

    fn receive(&mut self, report: &mut [u8], timeout: Duration) -> Result<usize, Error> {
        self.advance_script()?;
        let begun = self.caller.clock.monotonic();
        let end = begun + timeout;
        let Some(next) = self.queue.pop_front_if(|_| self.due <= end) else {
            self.caller.clock.advance(timeout.max(self.silence));
            self.silence = MAX_SILENCE.min(self.silence * 2);
            return Ok(0);
        };
        self.silence = REPORT_TIME;
        self.caller.clock.advance(self.due.saturating_sub(begun).max(REPORT_TIME));
        self.record(&next);
        let length = next.len().min(report.len());
        report[..length].copy_from_slice(&next[..length]);
        self.last = next;
        Ok(self.last.len())
    }

    fn lock(&mut self, timeout: Duration) -> Result<(), Error> {
        if std::mem::take(&mut self.is_lock_taken) {
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
