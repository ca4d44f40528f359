//! The key behind the keyboard interface: it takes reports and gives reports.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::checksum::crc;
use super::fault::OtpFault;
use super::response::Response;
use crate::otp::Algorithm;
use crate::virt::firmware::Firmware;
use crate::virt::spec::OtpSlotSpec;

/// The length of a frame in bytes, and the number of its pieces of 7 bytes.
const FRAME: usize = 70;
const LAST_PIECE: u8 = 9;

/// Commands.
const SERIAL: u8 = 0x10;
const HMAC: [u8; 2] = [0x30, 0x38];

/// Flags of the last byte of a report.
const BUSY: u8 = 0x80;
const TOUCH: u8 = 0x20;
const RESET: [u8; 2] = [0xff, 0x8f];

/// The most commands that the log keeps.
const MAX_LOG: usize = 4_096;

/// The OTP application of a virtual token.
#[derive(Debug)]
pub(in crate::virt) struct OtpKey {
    serial: u32,
    firmware: Firmware,
    slots: Vec<OtpSlotSpec>,
    frame: [u8; FRAME],
    state: State,
    /// The fault of the current request.
    fault: Option<OtpFault>,
    pub(in crate::virt) faults: VecDeque<OtpFault>,
    /// The commands of complete frames, oldest first.
    pub(in crate::virt) commands: Vec<u8>,
    /// The number of reports that the key received, and that it sent.
    pub(in crate::virt) reports: (usize, usize),
}

#[derive(Debug)]
enum State {
    Idle,
    /// Busy until it is reset.
    Stuck,
    /// Working until this time, with this response afterwards.
    Working(Instant, Response),
    Touch(TouchWait, Response),
    Response(Response),
}

#[derive(Debug)]
struct TouchWait {
    /// The beginning of the wait.
    since: Instant,
    /// The time at which the simulated user touches the key.
    touch_at: Option<Instant>,
}

/// What the simulated user and the token file give the key.
#[derive(Clone, Copy, Debug)]
pub(in crate::virt) struct Conditions {
    pub(in crate::virt) now: Instant,
    /// The duration of a command.
    pub(in crate::virt) delay: Duration,
    /// The maximum wait for a touch.
    pub(in crate::virt) touch_timeout: Duration,
    /// The time until the simulated user touches a key that waits for it.
    pub(in crate::virt) touch_after: Option<Duration>,
    /// Whether the simulated user touches the key now.
    pub(in crate::virt) is_touched: bool,
}

impl OtpKey {
    pub(in crate::virt) fn new(serial: u32, firmware: Firmware, slots: &[OtpSlotSpec]) -> Self {
        Self {
            serial,
            firmware,
            slots: slots.to_vec(),
            frame: [0; FRAME],
            state: State::Idle,
            fault: None,
            faults: VecDeque::new(),
            commands: Vec::new(),
            reports: (0, 0),
        }
    }

    /// Takes a report. Returns `false` if the key is pulled out by that.
    pub(in crate::virt) fn write(&mut self, report: [u8; 8], conditions: Conditions) -> bool {
        self.reports.0 += 1;
        let [piece @ .., flags] = report;
        if RESET.contains(&flags) {
            self.reset();
            return true;
        }
        // A key whose busy flag is set drops reports.
        if flags & BUSY == 0 || matches!(self.state, State::Stuck) {
            return true;
        }
        let number = flags & 0x1f;
        if number == 0 {
            self.frame = [0; FRAME];
            self.state = State::Idle;
            self.fault = self.faults.pop_front();
        }
        let pieces = self.frame.chunks_exact_mut(7);
        if let Some(place) = pieces.into_iter().nth(usize::from(number)) {
            place.copy_from_slice(&piece);
        }
        match (number, self.fault) {
            (0, Some(OtpFault::Vanish)) => return false,
            (0, Some(OtpFault::Busy)) => self.state = State::Stuck,
            (LAST_PIECE, _) => self.state = self.work(conditions),
            _ => {}
        }
        true
    }

    /// The current report, usually of 8 bytes.
    pub(in crate::virt) fn read(&mut self, conditions: Conditions) -> Vec<u8> {
        self.reports.1 += 1;
        self.proceed(conditions);
        let report = match &mut self.state {
            State::Idle => self.status(),
            State::Stuck | State::Working(..) => [0, 0, 0, 0, 0, 0, 0, BUSY],
            State::Touch(wait, _) => {
                let until = wait.since + conditions.touch_timeout;
                let left = until.saturating_duration_since(conditions.now).as_secs().min(0x1f);
                [0, 0, 0, 0, 0, 0, 0, TOUCH | u8::try_from(left).unwrap_or(0)]
            }
            State::Response(response) => response.next().unwrap_or_else(|| {
                self.state = State::Idle;
                self.status()
            }),
        };
        let length = match self.fault {
            Some(OtpFault::ReportLength(length)) if !matches!(self.state, State::Idle) => length,
            _ => report.len(),
        };
        report.iter().copied().cycle().take(length).collect()
    }

    /// Ends everything.
    pub(in crate::virt) fn reset(&mut self) {
        self.state = State::Idle;
        self.fault = None;
    }

    pub(in crate::virt) fn waits_for_touch(&self) -> bool {
        matches!(self.state, State::Touch(..))
    }

    fn proceed(&mut self, conditions: Conditions) {
        self.state = match std::mem::replace(&mut self.state, State::Idle) {
            State::Working(until, response) if conditions.now >= until => State::Response(response),
            State::Touch(wait, response)
                if conditions.is_touched || wait.touch_at.is_some_and(|touch| conditions.now >= touch) =>
            {
                State::Response(response)
            }
            State::Touch(wait, _) if conditions.now >= wait.since + conditions.touch_timeout => State::Idle,
            state => state,
        };
    }

    /// Carries out the command of a complete frame.
    fn work(&mut self, conditions: Conditions) -> State {
        let (Some((payload, rest)), fault) = (self.frame.split_first_chunk::<64>(), self.fault) else {
            return State::Idle;
        };
        let [command, low, high, ..] = *rest else { return State::Idle };
        if crc(payload) != u16::from_le_bytes([low, high]) {
            return State::Idle;
        }
        if self.commands.len() < MAX_LOG {
            self.commands.push(command);
        }
        let slot = (1..).zip(HMAC).find(|(_, hmac)| *hmac == command).map(|(number, _)| number);
        let slot = self.slots.iter().find(|one| Some(one.slot) == slot);
        let (data, touch) = match slot {
            _ if fault == Some(OtpFault::Stall) => return State::Stuck,
            _ if command == SERIAL => (self.serial.to_be_bytes().to_vec(), false),
            Some(slot) => {
                let digest = Algorithm::Sha1.hmac(slot.seed.expose(), significant(payload));
                (digest.to_vec(), slot.touch)
            }
            None => return State::Idle,
        };
        let response = Response::new(&data, fault);
        if touch {
            let touch_at = conditions.touch_after.map(|after| conditions.now + after);
            State::Touch(TouchWait { since: conditions.now, touch_at }, response)
        } else {
            State::Working(conditions.now + conditions.delay, response)
        }
    }

    /// Version, programming sequence and the slots that are set up, none of which types anything at a touch.
    fn status(&self) -> [u8; 8] {
        let [major, minor, patch] = self.firmware.bytes();
        let slots = self.slots.iter().fold(0, |bits, slot| bits | slot.slot);
        [0, major, minor, patch, slots.min(1), slots, 0, 0]
    }
}

/// The challenge without the last bytes that equal the very last one (a slot for short challenges).
fn significant(payload: &[u8; 64]) -> &[u8] {
    let [.., last] = payload;
    let end = payload.iter().rposition(|byte| byte != last).map_or(0, |place| place + 1);
    payload.get(..end).unwrap_or_default()
}
