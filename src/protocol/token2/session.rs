//! The entries of a key as one of the families of tokens.

use std::collections::BTreeSet;
use std::time::Duration;

use super::carrier::{Carrier, Wait};
use super::entry::{Codes, Entry, Page};
use super::error::{done, malformed, means_no_entry};
use super::insertion::Insertion;
use super::pin::Pin;
use super::{command, serial};
use crate::clock::Clock;
use crate::device::{self, NoProgress, Progress};
use crate::iso7816::{Command, Response, Status};
use crate::oath::{
    Credential, Error, KeySlot, Kind, MovingFactor, OathSession, PinRules, SelfDescription, Touch, UnlockKey,
};
use crate::otp::Code;
use crate::secret::SecretText;

/// The maximum numbers of pages and of entries, and the maximum duration of a list over a reader. The vendor's keys hold at
/// most 50 entries, and the size of their pages is not known.
const MAX_PAGES: usize = 64;
const MAX_ENTRIES: usize = 256;
const LIST_LIMIT: Duration = Duration::from_secs(7);

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
    /// A session. Reads the state of the PIN and the serial number: over HID once for each insertion, and in each session
    /// with a card that tells it, because a reader may hold another card than before without an event.
    ///
    /// # Errors
    ///
    /// Those of [`Carrier::exchange`], and [`Error::NoApplication`] if a device that may be of any kind shows neither a serial
    /// number nor a state of the PIN at first.
    pub fn begin(
        mut carrier: Box<dyn Carrier + 'c>,
        clock: &'c dyn Clock,
        insertion: &'c Insertion,
    ) -> Result<Self, Error> {
        // Over HID its strict check also shows whether the responses still belong to the commands.
        let flag = carrier.exchange(&command::pin_flag()?, Wait::None, &NoProgress)?;
        let pin = Pin::parse(&flag, insertion.wants_pin()).inspect_err(|_| insertion.set_late(true));
        let serial = match (insertion.serial(), &pin) {
            (Some(known), _) if known.is_none() || !carrier.needs_proof() => known.clone(),
            (Some(_), Err(error)) => return Err(error.clone()),
            (None, Err(error)) if !carrier.needs_proof() => return Err(error.clone()),
            (_, pin) => {
                let has_state = flag.status == Status::OK && matches!(pin, Ok(Pin::None | Pin::Set(_)));
                let serial = read_serial(&mut *carrier, has_state)?;
                insertion.keep_serial(serial.as_ref());
                serial
            }
        };
        Ok(Self { carrier, clock, insertion, pin: pin?, serial })
    }

    /// All entries. The key calculates codes with them, which are dropped; the present time keeps them harmless.
    fn entries(&mut self, progress: &dyn Progress) -> Result<Vec<Entry>, Error> {
        let end = self.clock.monotonic() + LIST_LIMIT;
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
            if progress.is_cancelled() {
                return Err(device::Error::Busy.into());
            }
            if self.clock.monotonic() >= end {
                return Err(Error::NoAnswer("the key takes too long for its list of entries".to_owned()));
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
            pin_set: self.pin.is_set(),
            attempts_left: self.pin.attempts(),
            pin_rules: PinRules { needs_touch: false, ..PinRules::default() },
            ..SelfDescription::default()
        }
    }

    fn is_locked(&self) -> bool {
        matches!(self.pin, Pin::Set(_))
    }

    /// Sends nothing: without a session the key takes no PIN.
    fn unlock_key(&self, _: &SecretText) -> Result<Option<UnlockKey>, Error> {
        match self.pin {
            Pin::None | Pin::Untold => Ok(None),
            Pin::Set(0) => Err(Error::PinBlocked),
            Pin::Set(_) | Pin::Hidden => Err(Error::Unsupported(NO_PIN)),
        }
    }

    fn unlock(&mut self, _: &KeySlot) -> Result<(), Error> {
        self.pin.check()
    }

    fn list(&mut self) -> Result<Vec<Credential>, Error> {
        self.list_while_awaited(&NoProgress)
    }

    fn list_while_awaited(&mut self, progress: &dyn Progress) -> Result<Vec<Credential>, Error> {
        self.pin.check()?;
        let entries = self.entries(progress);
        self.insertion.set_wants_pin(matches!(entries, Err(Error::Locked)));
        let credentials: Vec<_> = entries?.into_iter().map(|entry| entry.credential).collect();
        let names: BTreeSet<_> = credentials.iter().map(|credential| &credential.name.bytes).collect();
        // The key knows entries by their names, so another program has moved its list meanwhile.
        if names.len() < credentials.len() {
            return Err(malformed("the list has an entry twice"));
        }
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
        let response = done(response).inspect_err(|error| {
            if *error == Error::Locked {
                self.insertion.set_wants_pin(true);
            }
        })?;
        let mut entries = Page::parse(&response.data, Codes::All)?.entries;
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

/// The serial number, which the key itself tells. `has_state`: whether the device has shown a state of the PIN.
fn read_serial(carrier: &mut dyn Carrier, has_state: bool) -> Result<Option<String>, Error> {
    let response = carrier.read_serial(&command::serial()?, &NoProgress);
    match response.and_then(|response| serial::parse(&response)) {
        Err(Error::Device(error)) => Err(Error::Device(error)),
        Ok(None) | Err(_) if carrier.needs_proof() && !has_state => Err(Error::NoApplication),
        read => read,
    }
}
