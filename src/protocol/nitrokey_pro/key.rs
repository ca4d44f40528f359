//! The commands of the token.

use std::time::Duration;

use zeroize::Zeroizing;

use super::error::Error;
use super::exchange::Exchanges;
use super::report::{DATA, Request, Response};
use super::slot::{Slot, SlotNumber, digits};
use crate::clock::Clock;
use crate::device::{self, Reports};
use crate::otp::{Code, Step};

/// Commands.
const STATUS: u8 = 0x00;
const READ_SLOT: u8 = 0x03;
const GET_CODE: u8 = 0x04;
const SET_TIME: u8 = 0x0b;
const AUTHENTICATE: u8 = 0x0e;
const ATTEMPTS: u8 = 0x0f;
/// Allows one request, whose checksum it names. Firmware with longer keys has no such command.
const AUTHORIZE: u8 = 0x10;

/// Results of a request.
const OK: u8 = 0;
const EMPTY_SLOT: u8 = 3;
const WRONG_PASSWORD: u8 = 4;
const NOT_AUTHORIZED: u8 = 5;
const TIMESTAMP_WARNING: u8 = 6;

/// The length of a PIN and of a temporary password in bytes.
pub(super) const PASSWORD: usize = 25;

/// The attempts at a user PIN.
pub(super) const MAX_ATTEMPTS: u8 = 3;

/// The maximum wait for the lock of the device.
const LOCK_LIMIT: Duration = Duration::from_secs(1);

/// A token behind its HID interface. It holds the lock of the device.
pub struct Key<'r> {
    exchanges: Exchanges<'r>,
    /// Whether a code was requested, which the token then shows to every program until its next response.
    may_show_code: bool,
}

/// The status of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// The firmware version, major and minor.
    pub version: [u8; 2],
    /// The serial number of its smart card; `None` if the firmware does not report it.
    pub serial: Option<u32>,
    /// Whether codes require the user PIN.
    pub asks_for_pin: bool,
}

/// A password that stands for the PIN until the token is pulled out, or until the next PIN.
pub struct TemporaryPassword {
    bytes: Zeroizing<[u8; PASSWORD]>,
}

/// The moment of a code that depends on the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The time step, which firmware without a clock of its own needs.
    pub step: Step,
    /// The time that the token's clock was set to, in Unix time.
    pub time: Duration,
    /// The period in seconds.
    pub period: u32,
}

impl<'r> Key<'r> {
    /// The token behind these reports, with the lock of the device. Sends nothing.
    ///
    /// # Errors
    ///
    /// [`Error::Device`].
    pub fn open(reports: &'r mut dyn Reports, clock: &'r dyn Clock) -> Result<Self, Error> {
        reports.lock(LOCK_LIMIT)?;
        Ok(Self { exchanges: Exchanges::new(reports, clock), may_show_code: false })
    }

    /// The clock of the host.
    pub fn clock(&self) -> &'r dyn Clock {
        self.exchanges.clock()
    }

    /// Reads the status.
    ///
    /// # Errors
    ///
    /// Any [`Error`] of an exchange.
    pub fn status(&mut self) -> Result<Status, Error> {
        let response = self.request(&Request::new(STATUS, &[]))?;
        let [minor, major, s0, s1, s2, s3, _, _, _, asks_for_pin, ..] = *response.data;
        let serial = u32::from_le_bytes([s0, s1, s2, s3]);
        Ok(Status {
            version: [major, minor],
            serial: Some(serial).filter(|serial| ![0, u32::MAX].contains(serial)),
            asks_for_pin: asks_for_pin == 1,
        })
    }

    /// Reads the number of attempts at the user PIN that are left, from 0 to 3.
    ///
    /// A Nitrokey Pro selects the OpenPGP application of its smart card for that, outside the transactions of pcscd.
    ///
    /// # Errors
    ///
    /// [`Error::NoCard`] if the token reports any other number; any [`Error`] of an exchange.
    pub fn attempts(&mut self) -> Result<u8, Error> {
        let response = self.request(&Request::new(ATTEMPTS, &[]))?;
        let [attempts, ..] = *response.data;
        if attempts > MAX_ATTEMPTS { Err(Error::NoCard) } else { Ok(attempts) }
    }

    /// Reads a slot, without its key; `None` if it is empty or gives no codes.
    ///
    /// # Errors
    ///
    /// Any [`Error`] of an exchange.
    pub fn slot(&mut self, number: SlotNumber) -> Result<Option<Slot>, Error> {
        match self.request(&Request::new(READ_SLOT, &[number.byte()])) {
            Ok(response) => Ok(Slot::parse(number, &response.data)),
            Err(Error::EmptySlot) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Verifies the user PIN. A wrong one costs an attempt, so the request is sent once.
    ///
    /// # Errors
    ///
    /// [`Error::WrongPin`] or [`Error::PinBlocked`] if the token refuses it; [`Error::PinUnproven`] if its answer was lost; any
    /// other [`Error`] of an exchange if nothing was sent.
    pub fn authenticate(&mut self, authentication: Authentication) -> Result<TemporaryPassword, Error> {
        let Authentication { request, password } = authentication;
        self.exchanges.prepare(&request)?;
        match self.carry_out(&request) {
            Ok(_) => Ok(password),
            Err(Error::Result { result: WRONG_PASSWORD, .. }) => Err(match self.attempts() {
                Ok(0) => Error::PinBlocked,
                left => Error::WrongPin(left.ok()),
            }),
            // The attempt may have been spent.
            Err(_) => Err(Error::PinUnproven),
        }
    }

    /// Gives the token the time, in whole seconds of Unix time. Unless the clock may be set back, the token takes only a time
    /// that is in the minute of the last one, or later.
    ///
    /// # Errors
    ///
    /// [`Error::ClockBehind`] if the token does not take it; any [`Error`] of an exchange.
    pub fn set_time(&mut self, time: Duration, may_go_back: bool) -> Result<TimeSet, Error> {
        let mut payload = [0; 9];
        let all = std::iter::once(u8::from(may_go_back)).chain(time.as_secs().to_le_bytes());
        payload.iter_mut().zip(all).for_each(|(to, from)| *to = from);
        let request = Request::new(SET_TIME, &payload);
        self.request(&request)?;
        Ok(TimeSet(request.checksum()))
    }

    /// Calculates a code. The counter of an HOTP slot advances, whether or not the code arrives.
    ///
    /// # Errors
    ///
    /// [`Error::EmptySlot`], [`Error::NotAuthorized`]; any [`Error`] of an exchange.
    pub fn code(&mut self, request: &CodeRequest) -> Result<Code, Error> {
        self.exchanges.prepare(&request.0)?;
        self.calculate(request)
    }

    /// Calculates a code for the time that the token was given.
    ///
    /// # Errors
    ///
    /// [`Error::Disturbed`], before the code is requested, if the token has responded to another request since; those of
    /// [`Key::code`].
    pub fn code_at(&mut self, set: &TimeSet, request: &CodeRequest) -> Result<Code, Error> {
        if self.exchanges.prepare(&request.0)? != Some(set.0) {
            return Err(Error::Disturbed);
        }
        self.calculate(request)
    }

    /// Has the token replace a code that it shows, as far as it does so soon.
    pub fn hide_code(&mut self) {
        if std::mem::take(&mut self.may_show_code) {
            self.exchanges.overwrite();
        }
    }

    fn calculate(&mut self, request: &CodeRequest) -> Result<Code, Error> {
        self.may_show_code = true;
        let response = self.carry_out(&request.0)?;
        let [c0, c1, c2, c3, flags, ..] = *response.data;
        let (value, digits) = (u32::from_le_bytes([c0, c1, c2, c3]), digits(flags));
        if value >= 10_u32.pow(digits.get().into()) {
            return Err(Error::CodeLength);
        }
        Ok(Code::decimal(value, digits))
    }

    /// Allows this request with a password, for firmware that takes no password in the request itself.
    ///
    /// # Errors
    ///
    /// Any [`Error`] of an exchange.
    pub fn authorize(&mut self, request: &CodeRequest, password: &TemporaryPassword) -> Result<(), Error> {
        let mut payload = Zeroizing::new([0; 4 + PASSWORD]);
        let all = request.0.checksum().to_le_bytes().into_iter().chain(password.bytes.iter().copied());
        payload.iter_mut().zip(all).for_each(|(to, from)| *to = from);
        self.request(&Request::new(AUTHORIZE, &*payload)).map(drop)
    }

    fn request(&mut self, request: &Request) -> Result<Response, Error> {
        self.exchanges.prepare(request)?;
        self.carry_out(request)
    }

    fn carry_out(&mut self, request: &Request) -> Result<Response, Error> {
        let response = self.exchanges.carry_out(request)?;
        match response.result {
            OK => Ok(response),
            EMPTY_SLOT => Err(Error::EmptySlot),
            NOT_AUTHORIZED => Err(Error::NotAuthorized),
            TIMESTAMP_WARNING => Err(Error::ClockBehind),
            result => Err(Error::Result { command: response.command, result }),
        }
    }
}

impl Drop for Key<'_> {
    fn drop(&mut self) {
        self.exchanges.unlock();
    }
}

/// The token was given the time by the request with this checksum.
pub struct TimeSet(u32);

/// The request to verify a PIN, with a new temporary password.
pub struct Authentication {
    request: Request,
    password: TemporaryPassword,
}

impl Authentication {
    /// The request for a user PIN of up to 25 bytes.
    ///
    /// # Errors
    ///
    /// [`Error::Device`] if the system has no random numbers.
    pub fn new(pin: &[u8]) -> Result<Self, Error> {
        let mut bytes = Zeroizing::new([0; PASSWORD]);
        getrandom::fill(&mut *bytes)
            .map_err(|error| device::Error::Failed(format!("no random numbers: {error}")))?;
        let mut payload = Zeroizing::new([0; 2 * PASSWORD]);
        payload.iter_mut().take(PASSWORD).zip(pin).for_each(|(to, from)| *to = *from);
        payload.iter_mut().skip(PASSWORD).zip(&*bytes).for_each(|(to, from)| *to = *from);
        let request = Request::new(AUTHENTICATE, &*payload).once();
        Ok(Self { request, password: TemporaryPassword { bytes } })
    }
}

/// The request for a code.
pub struct CodeRequest(Request);

impl CodeRequest {
    /// A request for the code of a slot: number (1 byte), time step (8), time (8), period (1), password (25), with zeros
    /// for what is not given. Newer firmware uses its own clock instead of the time step.
    pub fn new(slot: SlotNumber, moment: Option<Moment>, password: Option<&TemporaryPassword>) -> Self {
        let mut payload = Zeroizing::new(Vec::with_capacity(DATA));
        payload.push(slot.byte());
        payload.extend(moment.map_or(0, |moment| moment.step.0).to_le_bytes());
        payload.extend(moment.map_or(0, |moment| moment.time.as_secs()).to_le_bytes());
        payload.push(moment.map_or(0, |moment| u8::try_from(moment.period).unwrap_or(0)));
        payload.extend(password.iter().flat_map(|password| password.bytes.iter()));
        let request = Request::new(GET_CODE, &payload);
        // A counter advances with each code.
        Self(if moment.is_none() { request.once() } else { request })
    }
}
