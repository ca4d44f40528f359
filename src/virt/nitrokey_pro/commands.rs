//! The commands of firmware 0.15 (of a Nitrokey Storage: 0.54), which calculates TOTP codes for the time of its own clock.

use std::time::{Duration, Instant};

use super::slot::{NAME, Slot, slots};
use crate::secret::SecretText;
use crate::virt::spec::CredentialSpec;

/// The firmware version, minor and major, and that of a Nitrokey Storage.
const VERSION: [u8; 2] = [15, 0];
const STORAGE_VERSION: [u8; 2] = [54, 0];

/// The place of the firmware version, major and minor, in the status of a Nitrokey Storage with that of its volumes. The rest
/// is zero: idle, and no volume. The length is that of the data of a response.
const VERSION_PLACE: usize = 26;
const STORAGE_STATUS: usize = 53;

/// The attempts at a PIN.
const ATTEMPTS: u8 = 3;

/// The number of attempts without a smart card.
const NO_CARD: u8 = 0xff;

/// The length of a PIN and of a temporary password in bytes.
const PASSWORD: usize = 25;

/// The place of the temporary password in a request for a code.
const CODE_PASSWORD: usize = 18;

/// The data of a slot: name, flags, identifier, and period or counter.
const IDENTIFIER: usize = 13;

/// The results of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Result {
    Ok = 0,
    WrongChecksum = 1,
    WrongSlot = 2,
    EmptySlot = 3,
    WrongPassword = 4,
    NotAuthorized = 5,
    TimestampWarning = 6,
    UnknownCommand = 9,
}

/// The application, without its reports.
#[derive(Debug)]
pub(in crate::virt) struct Application {
    serial: u32,
    /// Whether the key is a Nitrokey Storage, which reports no serial number.
    is_storage: bool,
    pin: Option<Vec<u8>>,
    attempts: u8,
    /// Whether the key does not reach its smart card.
    card_away: bool,
    slots: Vec<Slot>,
    /// The time that the clock was set to, and when that was.
    clock: Option<(u64, Instant)>,
    /// The minute that the clock was last set to, which survives a power-off.
    last_minute: Option<u64>,
    password: Option<[u8; PASSWORD]>,
}

impl Application {
    pub(super) fn new(serial: u32, pin: Option<&SecretText>, credentials: &[CredentialSpec]) -> Self {
        Self {
            serial,
            is_storage: false,
            pin: pin.map(|pin| pin.expose().as_bytes().to_vec()),
            attempts: ATTEMPTS,
            card_away: false,
            slots: slots(credentials),
            clock: None,
            last_minute: None,
            password: None,
        }
    }

    pub(super) fn reset(&mut self) {
        self.clock = None;
        self.password = None;
    }

    /// Makes the key a Nitrokey Storage.
    pub(in crate::virt) fn become_storage(&mut self) {
        self.is_storage = true;
    }

    /// Another program sets the clock.
    pub(in crate::virt) fn set_clock(&mut self, time: Duration) {
        self.last_minute = Some(time.as_secs() / 60);
    }

    /// Another program sets another PIN. All attempts are then left.
    pub(in crate::virt) fn change_pin(&mut self, pin: &SecretText) {
        self.pin = Some(pin.expose().as_bytes().to_vec());
        self.attempts = ATTEMPTS;
    }

    /// The smart card is away, or back.
    pub(in crate::virt) fn set_card_away(&mut self, is_away: bool) {
        self.card_away = is_away;
    }

    /// Another program gives a slot another name.
    pub(in crate::virt) fn rename(&mut self, number: u8, name: &str) {
        self.slots.iter_mut().filter(|slot| slot.number == number).for_each(|slot| slot.rename(name));
    }

    /// Carries out a command. The data follow the result in the response.
    pub(super) fn carry_out(&mut self, command: u8, payload: &[u8], now: Instant) -> (Result, Vec<u8>) {
        match command {
            0x00 => (Result::Ok, self.status()),
            0x02 => self.with_slot(payload, |slot| slot.name.to_vec()),
            0x03 => self.with_slot(payload, content),
            0x04 => self.code(payload, now),
            0x0b => (self.set_time(payload, now), Vec::new()),
            0x0e => (self.authenticate(payload), Vec::new()),
            0x0f => (Result::Ok, vec![if self.card_away { NO_CARD } else { self.attempts }]),
            0x2e if self.is_storage => (Result::Ok, storage_status()),
            0x70 => (Result::Ok, Vec::new()),
            _ => (Result::UnknownCommand, Vec::new()),
        }
    }

    /// Version, serial number, and the configuration, whose fourth byte says that codes require the PIN.
    fn status(&self) -> Vec<u8> {
        let configuration = [0xff, 0xff, 0xff, u8::from(self.pin.is_some()), 0];
        let (version, serial) = if self.is_storage { (STORAGE_VERSION, 0) } else { (VERSION, self.serial) };
        [&version[..], &serial.to_le_bytes(), &configuration].concat()
    }

    fn with_slot(&self, payload: &[u8], work: impl FnOnce(&Slot) -> Vec<u8>) -> (Result, Vec<u8>) {
        let Some(number) = payload.first().filter(|number| is_slot(**number)) else {
            return (Result::WrongSlot, Vec::new());
        };
        match self.slots.iter().find(|slot| slot.number == *number) {
            Some(slot) => (Result::Ok, work(slot)),
            None => (Result::EmptySlot, Vec::new()),
        }
    }

    fn code(&mut self, payload: &[u8], now: Instant) -> (Result, Vec<u8>) {
        let given = payload.get(CODE_PASSWORD..CODE_PASSWORD + PASSWORD);
        if self.pin.is_some()
            && (self.password.is_none() || given != self.password.as_ref().map(|own| &own[..]))
        {
            return (Result::NotAuthorized, Vec::new());
        }
        let found = self.with_slot(payload, |_| Vec::new());
        let time = self.clock.map_or(0, |(time, since)| time + (now - since).as_secs());
        let slot = self.slots.iter_mut().find(|slot| Some(&slot.number) == payload.first());
        let Some(slot) = slot.filter(|_| found.0 == Result::Ok) else { return found };
        let mut data = slot.code(time).to_le_bytes().to_vec();
        data.push(slot.flags());
        (Result::Ok, data)
    }

    /// The first byte is 1 to set the clock to any time; otherwise it may not go back to an earlier minute.
    fn set_time(&mut self, payload: &[u8], now: Instant) -> Result {
        let [may_go_back, t0, t1, t2, t3, t4, t5, t6, t7, ..] = *payload else {
            return Result::TimestampWarning;
        };
        let time = u64::from_le_bytes([t0, t1, t2, t3, t4, t5, t6, t7]);
        let minute = time / 60;
        if may_go_back != 1 && self.last_minute.is_some_and(|last| minute < last) {
            return Result::TimestampWarning;
        }
        self.clock = Some((time, now));
        self.last_minute = Some(minute);
        Result::Ok
    }

    fn authenticate(&mut self, payload: &[u8]) -> Result {
        self.password = None;
        let Some((pin, rest)) = payload.split_first_chunk::<PASSWORD>() else { return Result::WrongPassword };
        let end = pin.iter().position(|byte| *byte == 0).unwrap_or(PASSWORD);
        let is_right = self.attempts > 0 && self.pin.as_deref() == pin.get(..end);
        if !is_right {
            self.attempts = self.attempts.saturating_sub(1);
            return Result::WrongPassword;
        }
        self.attempts = ATTEMPTS;
        self.password = rest.first_chunk().copied();
        Result::Ok
    }
}

/// Whether the key has a slot of this number, set up or not. The fourth slot with a counter gives no codes.
fn is_slot(number: u8) -> bool {
    matches!(number, 0x10..=0x12 | 0x20..=0x2e)
}

fn storage_status() -> Vec<u8> {
    let mut data = vec![0; STORAGE_STATUS];
    let [minor, major] = STORAGE_VERSION;
    data.splice(VERSION_PLACE..VERSION_PLACE + 2, [major, minor]);
    data
}

fn content(slot: &Slot) -> Vec<u8> {
    let mut data = Vec::with_capacity(NAME + 1 + IDENTIFIER + 8);
    data.extend(slot.name);
    data.push(slot.flags());
    data.extend([0; IDENTIFIER]);
    data.extend(slot.factor.to_le_bytes());
    data
}
