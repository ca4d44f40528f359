//! A keyboard interface of a Nitrokey Pro whose feature reports are the input.
//!
//! The first byte of the input has flags of the run. The rest is a list of steps. The lower half of a step's first byte is
//! its kind. The upper half, n, is for kind 0 the number of requests (2ⁿ) that have such a response, and keeps other
//! reports for 2ⁿ looks. BYTES is a number of bytes in one byte, and these bytes.
//!
//! | kind | what follows | what the key shows |
//! |---|---|---|
//! | 0, 15 | | the response of a key with firmware 0.54 |
//! | 1, 2 | | that it is busy; that it has received a report |
//! | 3 | BYTES | a response of success with these data |
//! | 4 | result, BYTES | a response with this result and these data |
//! | 5 | 4 bytes, result | a response to another request |
//! | 6 | place, bits | the last report with some bits changed |
//! | 7 | BYTES | a report of another length |
//! | 8 | 64 bytes | this report |
//! | 9 | | nothing: it is pulled out |
//! | 10 | | nothing: another program has the lock |
//! | 11 | time | the last report, after so many units of 16 ms |
//! | 12 | | zeros |

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use crc::{CRC_32_MPEG_2, Crc};
use oathbridge::device::{Error, HidKind, Reports};

use super::super::caller::Caller;
use super::super::input::Input;

const REPORT: usize = 64;

/// The time that a report takes, and the longest time of a look. Each look that shows the same report takes twice as
/// long as the one before it, so that a long wait has few looks.
const REPORT_TIME: Duration = Duration::from_millis(1);
const MAX_LOOK_TIME: Duration = Duration::from_secs(1);

/// The unit of the delays in the script.
const DELAY: Duration = Duration::from_millis(16);

/// What happened since the last call of [`Notes::begin`]. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Notes(Arc<Mutex<Noted>>);

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Noted {
    /// How often a code was requested.
    pub(super) codes: usize,
    /// How often the key showed that a request had arrived damaged.
    pub(super) damaged: usize,
    /// Whether the clock was allowed to go back.
    pub(super) has_set_back: bool,
    /// The last time that the key was given.
    pub(super) time: u64,
    /// The first four bytes of the data that were shown last after a request for a code.
    pub(super) value: u32,
}

impl Notes {
    pub(super) fn begin(&self) {
        *self.edit() = Noted::default();
    }

    pub(super) fn now(&self) -> Noted {
        *self.edit()
    }

    fn edit(&self) -> MutexGuard<'_, Noted> {
        self.0.lock().unwrap()
    }
}

/// A key that shows what its script says. After the end it shows the last report.
pub(super) struct ScriptedKey<'a> {
    pub(super) caller: &'a Caller,
    script: Input<'a>,
    request: [u8; REPORT],
    last: Vec<u8>,
    /// The number of requests that still have a good response.
    good: u32,
    /// Whether the last report is the response to the last request, which stays until the next one.
    stays: bool,
    /// The number of looks for which the last report stays.
    looks: u32,
    /// The duration of the next look, if it shows the same report.
    look_time: Duration,
    pub(super) notes: Notes,
}

impl<'a> ScriptedKey<'a> {
    pub(super) fn new(caller: &'a Caller, script: Input<'a>) -> Self {
        Self {
            caller,
            script,
            request: [0; REPORT],
            last: vec![0; REPORT],
            good: 0,
            stays: true,
            looks: 0,
            look_time: REPORT_TIME,
            notes: Notes::default(),
        }
    }

    fn advance_script(&mut self) -> Result<(), Error> {
        if self.stays || self.looks > 0 {
            self.looks = self.looks.saturating_sub(1);
            self.repeat();
            return Ok(());
        }
        self.look_time = REPORT_TIME;
        let Some(step) = self.script.next_byte() else {
            self.repeat();
            return Ok(());
        };
        let repeats = (1 << (step >> 4)) - 1;
        match step & 0x0f {
            0 | 15 => {
                self.good = repeats;
                self.answer();
            }
            kind => {
                self.last = self.report(kind)?;
                self.looks = repeats;
                self.stays = matches!(kind, 3 | 4);
            }
        }
        Ok(())
    }

    /// Shows the last report once more.
    fn repeat(&mut self) {
        self.caller.clock.advance(self.look_time);
        self.look_time = MAX_LOOK_TIME.min(self.look_time * 2);
    }

    fn report(&mut self, kind: u8) -> Result<Vec<u8>, Error> {
        let own = self.request[REPORT - 4..].to_vec();
        let bytes = &mut self.script;
        Ok(match kind {
            1 | 2 => state(if kind == 1 { 1 } else { 3 }),
            3 => response(self.request[0], &own, 0, bytes.counted()),
            4 => {
                let result = bytes.byte();
                response(self.request[0], &own, result, bytes.counted())
            }
            5 => {
                let (other, result) = (bytes.array::<4>(), bytes.byte());
                response(self.request[0], &other, result, &[])
            }
            6 => {
                let (place, bits) = (bytes.byte(), bytes.byte());
                let mut changed = self.last.clone();
                if let Some(byte) = changed.get_mut(usize::from(place)) {
                    *byte ^= bits;
                }
                changed
            }
            7 => bytes.counted().to_vec(),
            8 => bytes.array::<REPORT>().to_vec(),
            9 => return Err(Error::Removed),
            10 => return Err(Error::Busy),
            11 => {
                self.caller.clock.advance(DELAY * u32::from(bytes.byte()));
                self.last.clone()
            }
            _ => vec![0; REPORT],
        })
    }

    /// Shows the response of a good key.
    fn answer(&mut self) {
        let [command, slot, ..] = self.request;
        let mut content = [0; 37];
        (content[0], content[1], content[29]) = (b'a', slot, 30);
        let data: &[u8] = match command {
            0x00 => &[54, 0, 1, 2, 3, 4],
            0x03 => &content,
            0x04 => &[0x40, 0xe2, 0x01, 0x00, 0],
            0x0f => &[3],
            _ => &[],
        };
        self.last = response(command, &self.request[REPORT - 4..], 0, data);
        self.stays = true;
    }

    /// Notes what the key shows.
    fn note(&self) {
        if self.last.len() == REPORT {
            let mut notes = self.notes.edit();
            // The result, which the host may take for that of its request.
            notes.damaged += usize::from(self.last[6] == 1);
            if self.request[0] == 0x04 {
                notes.value = u32::from_le_bytes([self.last[7], self.last[8], self.last[9], self.last[10]]);
            }
        }
    }
}

fn state(state: u8) -> Vec<u8> {
    let mut report = vec![0; REPORT];
    report[0] = state;
    report
}

fn response(command: u8, request: &[u8], result: u8, data: &[u8]) -> Vec<u8> {
    let mut report = vec![0, command];
    report.extend(request);
    report.push(result);
    report.extend(data);
    report.resize(REPORT - 4, 0);
    let sum = checksum(&report);
    report.extend(sum.to_le_bytes());
    report
}

/// CRC-32/MPEG-2 of the bytes in the order of big-endian words.
fn checksum(bytes: &[u8]) -> u32 {
    static ALGORITHM: Crc<u32> = Crc::<u32>::new(&CRC_32_MPEG_2);
    let mut ordered = [0; REPORT];
    for (word, bytes) in ordered.chunks_exact_mut(4).zip(bytes.chunks_exact(4)) {
        word.copy_from_slice(&[bytes[3], bytes[2], bytes[1], bytes[0]]);
    }
    ALGORITHM.checksum(&ordered[..bytes.len()])
}

impl Reports for ScriptedKey<'_> {
    fn kind(&self) -> HidKind {
        HidKind::NitrokeyPro
    }

    fn send(&mut self, report: &[u8]) -> Result<(), Error> {
        assert!(self.caller.is_locked(), "a report was sent without the lock");
        assert_eq!(report.len(), REPORT, "a report of another length was sent");
        self.request.copy_from_slice(report);
        assert_eq!(checksum(&report[..REPORT - 4]).to_le_bytes(), report[REPORT - 4..], "a wrong checksum");
        self.caller.clock.advance(REPORT_TIME);
        self.looks = 0;
        self.look_time = REPORT_TIME;
        let mut notes = self.notes.edit();
        match self.request[0] {
            0x04 => notes.codes += 1,
            0x0b => {
                notes.has_set_back |= self.request[1] != 0;
                let time = self.request[2..10].iter().rev();
                notes.time = time.fold(0, |time, byte| time << 8 | u64::from(*byte));
            }
            _ => {}
        }
        drop(notes);
        self.stays = false;
        if self.good > 0 {
            self.good -= 1;
            self.answer();
        }
        Ok(())
    }

    fn receive(&mut self, report: &mut [u8], _timeout: Duration) -> Result<usize, Error> {
        self.caller.clock.advance(REPORT_TIME);
        self.advance_script()?;
        self.note();
        let length = self.last.len().min(report.len());
        report[..length].copy_from_slice(&self.last[..length]);
        Ok(self.last.len())
    }

    fn lock(&mut self, _timeout: Duration) -> Result<(), Error> {
        assert!(!self.caller.is_locked(), "the lock was taken twice");
        self.caller.set_locked(true);
        Ok(())
    }

    fn unlock(&mut self) {
        self.caller.set_locked(false);
    }
}
