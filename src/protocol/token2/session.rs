//! The entries of a key as one of the families of tokens.

use std::collections::BTreeSet;

use super::carrier::{Carrier, Wait};
use super::entry::{Codes, Entry, Page};
use super::error::{done, malformed, means_no_entry};
use super::insertion::Insertion;
use super::pin::Pin;
use super::{command, serial};
use crate::clock::Clock;
use crate::device::{self, NoProgress, Progress};
use crate::iso7816::{Command, Response};
use crate::oath::{
    Credential, Error, KeySlot, Kind, MovingFactor, OathSession, PinRules, SelfDescription, Touch, UnlockKey,
};
use crate::otp::Code;
use crate::secret::SecretText;

/// The maximum numbers of pages and of entries. The vendor's keys hold at most 50 entries.
const MAX_PAGES: usize = 64;
const MAX_ENTRIES: usize = 256;

/// A PIN has up to 100 attempts.
const PIN_RULES: PinRules = PinRules { needs_touch: false, spared_attempts: 3 };

/// The reason why a PIN cannot be used.
const NO_PIN: &str =
    "its PIN needs an encrypted session, which is not supported; remove the PIN with Token2's program";

/// A session with the application of a key.
pub struct Session<'c> {
    carrier: Box<dyn Carrier + 'c>,
    clock: &'c dyn Clock,
    insertion: &'c Insertion,
    pin: Pin,
    serial: Option<String>,
}

impl<'c> Session<'c> {
    /// A session. Reads the state of the PIN and, once for each insertion, the serial number.
    ///
    /// # Errors
    ///
    /// Those of [`Carrier::exchange`], and [`Error::Locked`] if the key does not even tell the state of its PIN.
    pub fn begin(
        mut carrier: Box<dyn Carrier + 'c>,
        clock: &'c dyn Clock,
        insertion: &'c Insertion,
    ) -> Result<Self, Error> {
        // This command has to be the first one: CTAPHID answers it at once if the key does not serve it over HID.
        let flag = carrier.exchange(&command::pin_flag()?, Wait::None, &NoProgress)?;
        let pin = Pin::parse(flag, insertion.wants_pin())?;
        let serial = match insertion.serial() {
            Some(known) => known.clone(),
            None => {
                let response = carrier.read_serial(&command::serial()?, &NoProgress)?;
                insertion.keep_serial(serial::parse(&response))
            }
        };
        Ok(Self { carrier, clock, insertion, pin, serial })
    }

    /// All entries. The key calculates codes with them, which are dropped; the present time keeps them harmless.
    fn entries(&mut self) -> Result<Vec<Entry>, Error> {
        let time = self.clock.unix_time().as_secs();
        let first = self.send(&command::all_entries(time)?)?;
        if means_no_entry(first.status) {
            return Ok(Vec::new());
        }
        let mut page = Page::parse(&done(first)?.data, Codes::Free)?;
        let mut entries = Vec::new();
        for _ in 0..MAX_PAGES {
            let is_empty = page.entries.is_empty();
            entries.append(&mut page.entries);
            if !page.has_more {
                return Ok(entries);
            }
            if is_empty || entries.len() > MAX_ENTRIES {
                break;
            }
            page = Page::parse(&done(self.send(&command::more_entries(time)?)?)?.data, Codes::Free)?;
        }
        Err(malformed("the list of entries does not end"))
    }

    fn send(&mut self, command: &Command) -> Result<Response, Error> {
        self.carrier.exchange(command, Wait::None, &NoProgress)
    }
}

impl OathSession for Session<'_> {
    fn description(&self) -> SelfDescription {
        SelfDescription {
            serial: self.serial.clone(),
            pin_set: self.pin != Pin::None,
            attempts_left: self.pin.attempts(),
            pin_rules: PIN_RULES,
            ..SelfDescription::default()
        }
    }

    fn is_locked(&self) -> bool {
        matches!(self.pin, Pin::Set(_))
    }

    /// Sends nothing: without a session the key takes no PIN.
    fn unlock_key(&self, _: &SecretText) -> Result<Option<UnlockKey>, Error> {
        match self.pin {
            Pin::None => Ok(None),
            Pin::Set(0) => Err(Error::PinBlocked),
            Pin::Set(_) | Pin::Hidden => Err(Error::Unsupported(NO_PIN)),
        }
    }

    fn unlock(&mut self, _: &KeySlot) -> Result<(), Error> {
        self.pin.check()
    }

    fn list(&mut self) -> Result<Vec<Credential>, Error> {
        self.pin.check()?;
        let entries = self.entries();
        self.insertion.set_wants_pin(matches!(entries, Err(Error::Locked)));
        let mut seen = BTreeSet::new();
        let mut credentials: Vec<_> = entries?.into_iter().map(|entry| entry.credential).collect();
        credentials.retain(|credential| seen.insert(credential.name.bytes.clone()));
        Ok(credentials)
    }

    fn calculate(
        &mut self,
        credential: &Credential,
        factor: MovingFactor,
        progress: &dyn Progress,
    ) -> Result<Code, Error> {
        let time = match (credential.kind, factor) {
            (Kind::Totp, MovingFactor::Step(step)) => step.start(credential.name.period),
            (Kind::Hotp, MovingFactor::Counter) => self.clock.unix_time(),
            _ => return Err(Error::Unsupported("the entry has another kind of codes")),
        };
        self.pin.check()?;
        let command = command::one_entry(time.as_secs(), &credential.name.bytes)?;
        if progress.is_cancelled() {
            return Err(device::Error::Busy.into());
        }
        if credential.touch == Touch::Yes {
            progress.touch_needed();
        }
        let response = self.carrier.exchange(&command, Wait::Touch, progress)?;
        if means_no_entry(response.status) {
            return Err(Error::NoSuchCredential);
        }
        let mut entries = Page::parse(&done(response)?.data, Codes::All)?.entries;
        match (entries.pop(), entries.is_empty()) {
            (Some(Entry { credential: read, code: Some(code) }), true) if read == *credential => Ok(code),
            // The entry was replaced since it was listed.
            (Some(entry), true) if entry.credential.name.bytes == credential.name.bytes => {
                Err(Error::NoSuchCredential)
            }
            _ => Err(malformed("the key has sent another entry")),
        }
    }
}
