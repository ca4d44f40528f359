//! The slots of one token as one of the families of tokens.

use std::time::Duration;

use super::attempts::KnownAttempts;
use super::error::Error as KeyError;
use super::key::{
    Authentication, CodeRequest, Key, MAX_ATTEMPTS, Moment, PASSWORD, Status, TemporaryPassword,
};
use super::slot::{Slot, SlotNumber};
use crate::device::{self, Progress};
use crate::oath::{
    Algorithm, Credential, CredentialName, Error, KeySlot, Kind, MovingFactor, OathSession, PinRules,
    SelfDescription, Touch, UnlockKey,
};
use crate::otp::{Code, Period, Step};
use crate::secret::{SecretBytes, SecretText};

/// The longest keys in bytes: of firmware that takes the password of a code apart, and of later firmware.
const OLD_MAX_KEY: usize = 20;
const MAX_KEY: usize = 40;

/// The longest serial number that a token shows over USB, in bytes. A Nitrokey Pro shows 24 digits.
const MAX_SERIAL: usize = 32;

/// The time from the token's clock to the end of the step, at least, if the period is long enough. The request for a code
/// begins and ends within it, so the token cannot reach the next step before.
const MARGIN: Duration = Duration::from_secs(10);

/// The token's clock may advance directly after it was set.
const TICK: Duration = Duration::from_secs(1);

/// The token remembers the last time in minutes, of this many seconds.
const MINUTE: u64 = 60;

/// A user PIN has three attempts.
const PIN_RULES: PinRules = PinRules { needs_touch: false, spared_attempts: 1 };

/// The model of a token, because firmware versions depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    /// A Nitrokey Pro, a Nitrokey Pro 2 or a Librem Key.
    Pro,
    /// A Nitrokey Storage.
    Storage,
}

/// The slots of a token.
pub struct Session<'r> {
    key: Key<'r>,
    status: Status,
    serial: Option<String>,
    attempts: KnownAttempts,
    pin: Option<KeySlot>,
    password: Option<TemporaryPassword>,
    may_set_time: bool,
    /// Whether the firmware takes the password for a code with a request of its own.
    is_old: bool,
}

impl<'r> Session<'r> {
    /// A session with a token. Reads its status.
    /// `shown_serial` is the serial number that the token shows over USB, which it may report itself as well.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] for firmware whose slots are not known; those of [`Key::status`].
    pub fn begin(mut key: Key<'r>, model: Model, shown_serial: Option<&str>) -> Result<Self, Error> {
        let status = key.status()?;
        let is_old = match model {
            Model::Pro => status.version <= [0, 7],
            Model::Storage if status.version <= [0, 53] => {
                return Err(Error::Unsupported("its firmware is older than 0.54; update it"));
            }
            Model::Storage => false,
        };
        let shown = shown_serial.and_then(significant);
        let serial = status.serial.map(|serial| format!("{serial:08x}")).or(shown);
        Ok(Self {
            key,
            status,
            serial,
            attempts: KnownAttempts::default(),
            pin: None,
            password: None,
            may_set_time: false,
            is_old,
        })
    }

    /// The same session, which shares the number of attempts left with the other sessions of the insertion.
    #[must_use]
    pub fn with_attempts(self, attempts: &KnownAttempts) -> Self {
        Self { attempts: attempts.clone(), ..self }
    }

    fn credential(&self, slot: &Slot) -> Credential {
        Credential {
            name: CredentialName {
                bytes: slot.number.to_string().into_bytes(),
                issuer: slot.issuer.clone(),
                account: slot.account.clone(),
                period: slot.period,
            },
            kind: match slot.number {
                SlotNumber::Hotp(_) => Kind::Hotp,
                SlotNumber::Totp(_) => Kind::Totp,
            },
            algorithm: Algorithm::Sha1,
            digits: slot.digits,
            digits_known: true,
            touch: Touch::No,
            is_pin_protected: self.status.asks_for_pin,
        }
    }

    /// Verifies the PIN, if codes require it and this session has not verified it.
    fn authenticate(&mut self) -> Result<(), Error> {
        if !self.status.asks_for_pin || self.password.is_some() {
            return Ok(());
        }
        let pin = self.pin.as_ref().and_then(|keys| keys.lend(|pin| Authentication::new(pin.expose())));
        let result = self.key.authenticate(pin.ok_or(Error::Locked)??);
        match &result {
            // A right PIN gives all attempts back.
            Ok(_) => self.attempts.set(Some(MAX_ATTEMPTS)),
            Err(KeyError::WrongPin(left)) => self.attempts.set(*left),
            Err(KeyError::PinBlocked) => self.attempts.set(Some(0)),
            Err(KeyError::PinUnproven) => self.attempts.set(None),
            Err(_) => {}
        }
        self.password = Some(result?);
        Ok(())
    }

    fn totp(&mut self, slot: SlotNumber, period: Period, step: Step) -> Result<Code, Error> {
        self.authenticate()?;
        let (clock, now) = (self.key.clock(), self.key.clock().unix_time());
        let (start, end) = (step.start(period), step.next().start(period));
        if start > now {
            return Err(Error::Unsupported("its clock gives codes of the current time step only"));
        }
        let time = time_within(start, end, now);
        let moment = Moment { step, time, period: period.seconds() };
        let request = self.code_request(slot, Some(moment))?;
        let set_at = clock.monotonic();
        let code = match self.code_at(&request, time) {
            // Another program has used the token in between, and may have set its clock.
            Err(KeyError::Disturbed) => self.code_at(&request, time),
            result => result,
        };
        let code = match code {
            // The step ended meanwhile, and another program has given the token a time of the next one.
            Err(KeyError::ClockBehind) if now >= end => return Err(device::Error::Reset.into()),
            code => code?,
        };
        if time + (clock.monotonic() - set_at) + TICK >= end {
            // The code may be that of the next step.
            return Err(device::Error::Reset.into());
        }
        Ok(code)
    }

    fn hotp(&mut self, slot: SlotNumber) -> Result<Code, Error> {
        self.authenticate()?;
        let request = self.code_request(slot, None)?;
        Ok(self.key.code(&request)?)
    }

    fn code_at(&mut self, request: &CodeRequest, time: Duration) -> Result<Code, KeyError> {
        let set = self.key.set_time(time, self.may_set_time)?;
        self.key.code_at(&set, request)
    }

    /// The request for a code; allowed already, if the firmware wants that before.
    fn code_request(&mut self, slot: SlotNumber, moment: Option<Moment>) -> Result<CodeRequest, Error> {
        match &self.password {
            Some(password) if self.is_old => {
                let request = CodeRequest::new(slot, moment, None);
                self.key.authorize(&request, password)?;
                Ok(request)
            }
            password => Ok(CodeRequest::new(slot, moment, password.as_ref())),
        }
    }
}

/// The time to give the token: not ahead of the clock, within the step, and early enough in it. It is in the minute of the
/// clock even so, because the token may have that time already and takes none of an earlier minute.
fn time_within(start: Duration, end: Duration, now: Duration) -> Duration {
    let latest = end - MARGIN.min((end - start) / 2);
    let last = now.min(end.saturating_sub(TICK));
    let minute = Duration::from_secs(last.as_secs() / MINUTE * MINUTE);
    now.min(latest.max(minute)).max(start)
}

/// Nothing that has an effect is sent for a caller that no longer waits.
fn not_cancelled(progress: &dyn Progress) -> Result<(), Error> {
    if progress.is_cancelled() { Err(device::Error::Busy.into()) } else { Ok(()) }
}

/// The serial number that a token shows over USB, without leading zeros; `None` if it is none.
fn significant(serial: &str) -> Option<String> {
    let serial = serial.trim_start_matches('0');
    let is_plain = serial.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (is_plain && (1..=MAX_SERIAL).contains(&serial.len())).then(|| serial.to_owned())
}

impl OathSession for Session<'_> {
    fn description(&self) -> SelfDescription {
        let [major, minor] = self.status.version;
        SelfDescription {
            version: Some([major, minor, 0]),
            salt: None,
            serial: self.serial.clone(),
            is_trussed: false,
            pin_set: self.status.asks_for_pin,
            attempts_left: self.attempts.get().filter(|_| self.status.asks_for_pin),
            pin_rules: PIN_RULES,
            own_clock: true,
            max_key: Some(if self.is_old { OLD_MAX_KEY } else { MAX_KEY }),
        }
    }

    /// Without the PIN the token shows its slots but gives no codes, so it counts as locked.
    fn is_locked(&self) -> bool {
        self.status.asks_for_pin && self.pin.is_none()
    }

    fn unlock_key(&self, password: &SecretText) -> Result<Option<UnlockKey>, Error> {
        let pin = password.expose().as_bytes();
        if !self.status.asks_for_pin {
            return Ok(None);
        }
        if pin.len() > PASSWORD {
            return Err(Error::Unsupported("a PIN has at most 25 bytes"));
        }
        Ok(Some(UnlockKey::new(SecretBytes::new(pin.to_vec()))))
    }

    fn unlock(&mut self, keys: &KeySlot) -> Result<(), Error> {
        keys.lend(|_| ()).ok_or(Error::Locked)?;
        self.pin = Some(keys.clone());
        self.password = None;
        Ok(())
    }

    fn read_attempts(&mut self) -> Result<(), Error> {
        if self.status.asks_for_pin {
            self.attempts.set(Some(self.key.attempts()?));
        }
        Ok(())
    }

    fn list(&mut self) -> Result<Vec<Credential>, Error> {
        let mut credentials = Vec::new();
        for number in SlotNumber::all() {
            if let Some(slot) = self.key.slot(number)? {
                credentials.push(self.credential(&slot));
            }
        }
        Ok(credentials)
    }

    fn list_with_pin(&mut self, progress: &dyn Progress) -> Result<Vec<Credential>, Error> {
        not_cancelled(progress)?;
        self.authenticate()?;
        self.list()
    }

    fn allow_set_time(&mut self) {
        self.may_set_time = true;
    }

    /// Reads the slot again, because another program may have written to it.
    fn calculate(
        &mut self,
        credential: &Credential,
        factor: MovingFactor,
        progress: &dyn Progress,
    ) -> Result<Code, Error> {
        let is_it = |number: &SlotNumber| number.to_string().as_bytes() == credential.name.bytes;
        let number = SlotNumber::all().find(is_it).ok_or(Error::NoSuchCredential)?;
        let step = match (number, factor) {
            (SlotNumber::Totp(_), MovingFactor::Step(step)) => Some(step),
            (SlotNumber::Hotp(_), MovingFactor::Counter) => None,
            _ => return Err(Error::Unsupported("the slot has another kind of codes")),
        };
        let slot = self.key.slot(number)?.filter(|slot| self.credential(slot) == *credential);
        let slot = slot.ok_or(Error::NoSuchCredential)?;
        not_cancelled(progress)?;
        let code = match step {
            Some(step) => self.totp(number, slot.period, step),
            None => self.hotp(number),
        };
        self.key.hide_code();
        code
    }
}
