//! A keyboard interface whose feature reports are the input.
//!
//! The input is a list of steps. The lower half of a step's first byte is its kind. The upper half, n, keeps the report
//! for 2ⁿ looks. BYTES is a number of bytes in one byte, and these bytes.
//!
//! | kind | what follows | what the key shows |
//! |---|---|---|
//! | 0, 15 | | its status: ready |
//! | 1, 2 | | busy; a wait for a touch |
//! | 3 | 8 bytes | this report |
//! | 4 | BYTES | a report of another length |
//! | 5 | 7 bytes | the next piece of a response |
//! | 6, 7 | 20 or 4 bytes | a whole response of these bytes, with its checksum and its end |
//! | 8 | | nothing: it is pulled out |
//! | 9, 10 | | the caller leaves; another program has the lock at the next try |
//! | 11 | time | the last report, after so many units of 8 ms |
//! | 12 | number, 7 bytes | this piece of a response |
//! | 13 | flags | a report of zeros with these flags |
//! | 14 | | the end of a response |

use std::collections::VecDeque;
use std::time::Duration;

use crc::{CRC_16_MCRF4XX, Crc};
use oathbridge::device::{Error, Reports};

use super::super::caller::Caller;
use super::super::input::Input;

pub(super) const REPORT: usize = 8;
const RESPONSE: u8 = 0x40;
const TOUCH: u8 = 0x20;
const RESET: [u8; REPORT] = [0, 0, 0, 0, 0, 0, 0, 0xff];

/// A key that is ready, with the version 5.4.3 and both slots set up.
const IDLE: [u8; REPORT] = [0, 5, 4, 3, 1, 3, 0, 0];

/// The time that a report takes, and the longest time of a look. Each look that shows the same report takes twice as
/// long as the one before it, so that a long wait has few looks.
const REPORT_TIME: Duration = Duration::from_millis(1);
const MAX_LOOK_TIME: Duration = Duration::from_secs(1);

/// The unit of the delays in the script.
const DELAY: Duration = Duration::from_millis(8);

/// A key that shows what its script says, each report for some looks. After the end it shows the last report.
pub(super) struct ScriptedKey<'a> {
    pub(super) caller: &'a Caller,
    script: Input<'a>,
    queue: VecDeque<Vec<u8>>,
    last: Vec<u8>,
    /// The number of looks for which the last report stays.
    looks: u32,
    /// The duration of the next look, if it shows the same report.
    look_time: Duration,
    number: u8,
    is_lock_taken: bool,
    /// The bytes of the pieces since the last other report.
    pub(super) pieces: Vec<u8>,
    /// The number of frames that the key was sent.
    pub(super) frames: usize,
    /// Whether the key has waited for a touch.
    pub(super) has_waited: bool,
}

impl<'a> ScriptedKey<'a> {
    pub(super) fn new(caller: &'a Caller, script: Input<'a>) -> Self {
        Self {
            caller,
            script,
            queue: VecDeque::new(),
            last: IDLE.to_vec(),
            looks: 0,
            look_time: REPORT_TIME,
            number: 0,
            is_lock_taken: false,
            pieces: Vec::new(),
            frames: 0,
            has_waited: false,
        }
    }

    fn advance_script(&mut self) -> Result<(), Error> {
        if self.looks > 0 {
            self.looks -= 1;
            self.repeat();
            return Ok(());
        }
        loop {
            self.look_time = REPORT_TIME;
            if let Some(report) = self.queue.pop_front() {
                self.last = report;
                return Ok(());
            }
            let Some(step) = self.script.next_byte() else {
                self.repeat();
                return Ok(());
            };
            if let Some(report) = self.step(step & 0x0f)? {
                self.last = report;
                // 0, 1, 3, 7 and so on to 32,767 further looks.
                self.looks = (1 << (step >> 4)) - 1;
                return Ok(());
            }
        }
    }

    /// Shows the last report once more.
    fn repeat(&mut self) {
        self.caller.clock.advance(self.look_time);
        self.look_time = MAX_LOOK_TIME.min(self.look_time * 2);
    }

    fn step(&mut self, step: u8) -> Result<Option<Vec<u8>>, Error> {
        let bytes = &mut self.script;
        Ok(Some(match step {
            1 => flags(0x80),
            2 => flags(TOUCH),
            3 => bytes.array::<REPORT>().to_vec(),
            4 => bytes.counted().to_vec(),
            5 => piece(self.number, bytes.take(7)),
            6 => return Ok(self.begin_response(20)),
            7 => return Ok(self.begin_response(4)),
            8 => return Err(Error::Removed),
            9 => {
                self.caller.leave();
                return Ok(None);
            }
            10 => {
                self.is_lock_taken = true;
                return Ok(None);
            }
            11 => {
                // One look takes long.
                self.caller.clock.advance(DELAY * u32::from(bytes.byte()));
                self.last.clone()
            }
            12 => {
                let number = bytes.byte();
                piece(number, bytes.take(7))
            }
            13 => flags(bytes.byte()),
            14 => piece(0, &[0; 7]),
            _ => IDLE.to_vec(),
        }))
    }

    /// A whole response with its checksum, and its end.
    fn begin_response(&mut self, length: usize) -> Option<Vec<u8>> {
        let mut bytes = self.script.take(length).to_vec();
        bytes.resize(length, 0);
        bytes.extend((!checksum(&bytes)).to_le_bytes());
        self.queue = (0..).zip(bytes.chunks(7)).map(|(number, part)| piece(number, part)).collect();
        self.queue.push_back(piece(0, &[]));
        None
    }
}

fn flags(flags: u8) -> Vec<u8> {
    vec![0, 0, 0, 0, 0, 0, 0, flags]
}

fn piece(number: u8, part: &[u8]) -> Vec<u8> {
    let mut report = part.to_vec();
    report.resize(REPORT - 1, 0);
    report.push(RESPONSE | number & 0x1f);
    report
}

/// CRC-16/X-25 without its final inversion.
pub(super) fn checksum(bytes: &[u8]) -> u16 {
    static ALGORITHM: Crc<u16> = Crc::<u16>::new(&CRC_16_MCRF4XX);
    ALGORITHM.checksum(bytes)
}

impl Reports for ScriptedKey<'_> {
    fn send(&mut self, report: &[u8]) -> Result<(), Error> {
        assert_eq!(report.len(), REPORT, "a report of another length was sent");
        assert!(self.caller.is_locked(), "a report was sent without the lock");
        self.caller.clock.advance(REPORT_TIME);
        self.number = 0;
        // The last piece of a frame has the number 9.
        self.frames += usize::from(report != RESET && report[REPORT - 1] == 0x89);
        Ok(())
    }

    fn receive(&mut self, report: &mut [u8], _timeout: Duration) -> Result<usize, Error> {
        self.caller.clock.advance(REPORT_TIME);
        self.advance_script()?;
        match self.last.split_at_checked(REPORT - 1) {
            Some((part, [flags])) if flags & RESPONSE != 0 => {
                self.pieces.extend(part);
                self.number = self.number.wrapping_add(1);
            }
            _ => self.pieces.clear(),
        }
        self.has_waited |= self.last.len() == REPORT && self.last[REPORT - 1] & (RESPONSE | TOUCH) == TOUCH;
        let length = self.last.len().min(report.len());
        report[..length].copy_from_slice(&self.last[..length]);
        Ok(self.last.len())
    }

    fn lock(&mut self, timeout: Duration) -> Result<(), Error> {
        assert!(!self.caller.is_locked(), "the lock was taken twice");
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
