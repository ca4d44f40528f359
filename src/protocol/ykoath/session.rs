//! One selection of the application, and its commands.

use std::collections::{BTreeMap, BTreeSet};

use super::access_key::answer;
use super::chaining::{Channel, Repeat};
use super::error::{done, means_locked};
use super::{CredentialId, Selection, calculate, calculate_all, list, pin, select, validate};
use crate::device::{self, NoProgress, Progress, Transaction};
use crate::iso7816::{Aid, Command, Response, Status, status};
use crate::oath::{Credential, Error, KeySlot, Kind, MovingFactor, Touch};
use crate::otp::{Code, Digits};

/// The maximum number of credentials; no token holds more. Further ones are ignored.
const MAX_CREDENTIALS: usize = 256;

/// The properties from CALCULATE ALL, by credential.
type Details = BTreeMap<CredentialId, (Touch, Option<Digits>)>;

/// One selection of the OATH application within one transaction.
pub struct Session<'t> {
    channel: Channel<'t>,
    selection: Selection,
    locked: bool,
    /// The slot of the key, for tokens whose authorisation ends with the first command. The key may be wiped meanwhile.
    keys: Option<KeySlot>,
    /// Whether no command has used the authorisation yet.
    fresh: bool,
    /// The slot of the PIN. The PIN may be wiped meanwhile.
    pin: Option<KeySlot>,
}

impl<'t> Session<'t> {
    /// Selects the OATH application.
    ///
    /// # Errors
    ///
    /// [`Error::NoApplication`] if the card has none; [`Error::Malformed`] or [`Error::Device`] otherwise.
    pub fn select(transaction: &'t mut dyn Transaction) -> Result<Self, Error> {
        let mut channel = Channel::new(transaction);
        let selection = select(&mut channel)?;
        Ok(Self {
            channel,
            locked: selection.challenge.is_some(),
            selection,
            keys: None,
            fresh: false,
            pin: None,
        })
    }

    /// The response to SELECT.
    pub fn selection(&self) -> &Selection {
        &self.selection
    }

    /// Whether an access key is set and was not validated yet.
    ///
    /// A Nitrokey 3 with a PIN is not locked in this sense: it answers, but hides the credentials that the PIN protects.
    pub fn is_locked(&self) -> bool {
        self.locked
    }

    /// Unlocks the application for this session; sends nothing if it is not locked.
    ///
    /// # Errors
    ///
    /// [`Error::Locked`] if there is no key, [`Error::WrongPassword`] if the token refuses it, [`Error::Impostor`] if the token
    /// cannot prove that it knows the key. After an error the application must be selected again.
    pub fn validate(&mut self, keys: &KeySlot) -> Result<(), Error> {
        let mut challenge = [0; 8];
        getrandom::fill(&mut challenge)
            .map_err(|_| device::Error::Failed("the system provides no random numbers".to_owned()))?;
        self.validate_with(keys, &challenge)
    }

    /// Lists the credentials, at most 256. Advances no counter and requires no touch.
    ///
    /// # Errors
    ///
    /// [`Error::Locked`]; [`Error::Malformed`] if LIST fails. A failure of CALCULATE ALL is no error,
    /// but touch and digits then stay unknown.
    pub fn credentials(&mut self) -> Result<Vec<Credential>, Error> {
        let details = self.details()?;
        let entries = self.entries(details.is_empty())?;
        Ok(described(entries, &details))
    }

    /// Keeps the slot of a PIN, which is then verified directly before each command that needs it. Sends nothing.
    pub fn use_pin(&mut self, pin: &KeySlot) {
        self.pin = Some(pin.clone());
    }

    /// Verifies the PIN, and lists the credentials with those that it protects. The selection is that of after the list.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] if the list has no properties; [`Error::Locked`] without a PIN in the slot;
    /// [`Error::WrongPin`], [`Error::PinBlocked`], [`Error::TouchTimedOut`], [`Error::Malformed`] or [`Error::Device`].
    pub fn credentials_with_pin(&mut self, progress: &dyn Progress) -> Result<Vec<Credential>, Error> {
        if !self.selection.lists_properties() {
            return Err(Error::Unsupported("its firmware does not say which credentials its PIN protects"));
        }
        progress.touch_needed();
        self.verify_pin(progress)?;
        // Nothing may come between: the authorisation is that of the next command.
        let list = list::command(list::Form::WithProperties)?.once();
        let response = self.channel.send(&list, Repeat::Never, &NoProgress)?;
        let entries = list::parse(&done(list::INSTRUCTION, response)?.data, list::Form::WithProperties)?;
        self.refresh();
        Ok(described(entries, &Details::new()))
    }

    /// Calculates one code. For HOTP the token's counter advances, whether or not the code arrives.
    ///
    /// Calls `progress` if the credential is known to require a touch. Without a touch the call blocks for as long as the
    /// token waits, up to 35 s.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] before anything is sent if `factor` does not fit the kind of credential; any other
    /// [`Error`] otherwise.
    pub fn calculate(
        &mut self,
        credential: &Credential,
        factor: MovingFactor,
        progress: &dyn Progress,
    ) -> Result<Code, Error> {
        let mut command = calculate::command(credential, factor)?;
        if credential.touch == Touch::Yes {
            progress.touch_needed();
        }
        if self.keys.is_some() && !self.fresh {
            self.renew()?;
        }
        self.fresh = false;
        if credential.is_pin_protected && self.selection.has_pin() {
            self.verify_pin(progress)?;
            command = command.once();
        }
        let harmless = credential.kind != Kind::Hotp && credential.touch != Touch::Yes;
        let repeat = if harmless { Repeat::Allowed } else { Repeat::Never };
        let response = self.channel.send(&command, repeat, progress)?;
        calculate::parse(response, credential, self.locked)
    }

    pub(super) fn validate_with(&mut self, keys: &KeySlot, challenge: &[u8; 8]) -> Result<(), Error> {
        let Some(cards) = &self.selection.challenge else {
            return Ok(());
        };
        // The key is borrowed before the exchange, because the token may block for ever.
        let lent = keys.lend(|key| (validate::command(key, cards, challenge), answer(key, challenge)));
        let (command, expected) = lent.ok_or(Error::Locked)?;
        let response = self.channel.send(&command?, Repeat::Never, &NoProgress)?;
        validate::check(&expected, &response)?;
        self.locked = false;
        self.keys = Some(keys.clone());
        self.fresh = true;
        Ok(())
    }

    /// The list, with the properties of the credentials if they are wanted and the token has them.
    fn entries(&mut self, with_properties: bool) -> Result<Vec<list::Entry>, Error> {
        if with_properties && self.selection.lists_properties() {
            let response = self.privileged(&list::command(list::Form::WithProperties)?)?;
            if !matches!(response.status, status::WRONG_LENGTH | status::WRONG_DATA) {
                return list::parse(&done(list::INSTRUCTION, response)?.data, list::Form::WithProperties);
            }
        }
        let response = self.privileged(&list::command(list::Form::Plain)?)?;
        let response = done(list::INSTRUCTION, response).map_err(|error| self.told_lock(error))?;
        list::parse(&response.data, list::Form::Plain)
    }

    /// A token that refuses its list without a challenge has no password to unlock it with.
    fn told_lock(&self, error: Error) -> Error {
        match (&self.selection.challenge, error) {
            (None, Error::Locked) if !self.selection.has_pin() => Error::PasswordUnset,
            (_, error) => error,
        }
    }

    /// Touch and digits by credential; empty if the token does not return them.
    fn details(&mut self) -> Result<Details, Error> {
        let response = match self.privileged(&calculate_all::command()?) {
            Ok(response) => response,
            Err(Error::Malformed(_)) => {
                // On some tokens the rest of an aborted response appears in the next one.
                self.renew()?;
                return Ok(Details::new());
            }
            Err(error) => return Err(error),
        };
        if self.locked && means_locked(response.status) {
            return Err(Error::Locked);
        }
        let mut details = Details::new();
        // CALCULATE ALL may be unsupported (6D00), or fail because of one corrupt credential (6581) or one that refuses
        // this step (6982). LIST still works then.
        if response.status == Status::OK {
            for entry in calculate_all::parse(&response.data).unwrap_or_default() {
                details.entry(entry.id).or_insert((entry.touch, entry.digits));
            }
        }
        Ok(details)
    }

    /// Sends a command without effects that requires the authorisation, and renews the authorisation if the token has
    /// dropped it.
    fn privileged(&mut self, command: &Command) -> Result<Response, Error> {
        self.fresh = false;
        let response = self.channel.send(command, Repeat::Allowed, &NoProgress)?;
        if self.keys.is_none() || !means_locked(response.status) {
            return Ok(response);
        }
        self.renew()?;
        self.fresh = false;
        self.channel.send(command, Repeat::Allowed, &NoProgress)
    }

    /// Verifies the PIN, which the token does after a touch. The next command uses that up, whichever it is.
    fn verify_pin(&mut self, progress: &dyn Progress) -> Result<(), Error> {
        // The PIN is borrowed before the exchange, because the token may block for ever.
        let lent = self.pin.as_ref().and_then(|slot| slot.lend(pin::command));
        let command = lent.ok_or(Error::Locked)??;
        let response = self.channel.send(&command, Repeat::Never, progress)?;
        if pin::is_accepted(&response)? {
            return self.check_after_touch(progress);
        }
        self.selection.attempts_left = self.selection.attempts_left.map(|left| left.saturating_sub(1));
        self.refresh();
        match self.selection.attempts_left {
            Some(0) => Err(Error::PinBlocked),
            left => Err(Error::WrongPin(left)),
        }
    }

    /// Checks that the caller is still there and that the PIN was not wiped during the wait for the touch. Otherwise drops the
    /// authorisation.
    fn check_after_touch(&mut self, progress: &dyn Progress) -> Result<(), Error> {
        let is_wiped = self.pin.as_ref().is_none_or(|slot| slot.lend(|_| ()).is_none());
        if !is_wiped && !progress.is_cancelled() {
            return Ok(());
        }
        self.refresh();
        Err(if is_wiped { Error::Locked } else { Error::TouchTimedOut })
    }

    /// Reads the number of attempts left, which only SELECT returns. A failure changes nothing.
    fn refresh(&mut self) {
        if let Ok(selection) = select(&mut self.channel) {
            self.selection = selection;
        }
    }

    fn renew(&mut self) -> Result<(), Error> {
        self.selection = select(&mut self.channel)?;
        self.locked = self.selection.challenge.is_some();
        match self.keys.clone() {
            Some(keys) => self.validate(&keys),
            None => Ok(()),
        }
    }
}

fn select(channel: &mut Channel<'_>) -> Result<Selection, Error> {
    select::parse(&channel.send(&Aid::OATH.select(), Repeat::Allowed, &NoProgress)?)
}

/// The credentials of a list, each of them once.
fn described(mut entries: Vec<list::Entry>, details: &Details) -> Vec<Credential> {
    let mut seen = BTreeSet::new();
    entries.retain(|entry| seen.insert(entry.id.clone()));
    entries.truncate(MAX_CREDENTIALS);
    entries.into_iter().map(|entry| describe(entry, details)).collect()
}

fn describe(entry: list::Entry, details: &Details) -> Credential {
    let (touch, digits) = details.get(&entry.id).copied().unwrap_or((entry.touch, None));
    let name = entry.id.parse(entry.hotp);
    let kind = match (entry.hotp, name.issuer.as_str()) {
        (true, _) => Kind::Hotp,
        (false, "Steam") => Kind::Steam,
        (false, _) => Kind::Totp,
    };
    Credential {
        name,
        kind,
        algorithm: entry.algorithm,
        digits: digits.unwrap_or(Digits::SIX),
        digits_known: digits.is_some(),
        touch,
        is_pin_protected: entry.is_pin_protected,
    }
}
