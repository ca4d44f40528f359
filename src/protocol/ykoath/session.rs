//! One selection of the application, and what is done in it.

use std::collections::{BTreeMap, BTreeSet};

use super::access_key::answer;
use super::chaining::{Channel, Repeat};
use super::error::{done, means_locked};
use super::{CredentialId, Error, Selection, calculate, calculate_all, list, select, validate};
use crate::device::{self, NoProgress, Progress, Transaction};
use crate::iso7816::{Aid, Command, Response, Status};
use crate::oath::{Credential, KeySlot, Kind, MovingFactor, Touch};
use crate::otp::{Code, Digits};

/// No token holds more; what comes after them is left out.
const MAX_CREDENTIALS: usize = 256;

/// What CALCULATE ALL tells, by credential.
type Details = BTreeMap<CredentialId, (Touch, Option<Digits>)>;

/// One selection of the OATH application within one transaction.
pub struct Session<'t> {
    channel: Channel<'t>,
    selection: Selection,
    locked: bool,
    /// Where the key is, for tokens whose authorisation ends with the first command. It may have been wiped since.
    keys: Option<KeySlot>,
    /// No command has used the authorisation yet.
    fresh: bool,
}

impl<'t> Session<'t> {
    /// Selects the OATH application.
    ///
    /// # Errors
    ///
    /// [`Error::NoApplication`] when the card has none; [`Error::Malformed`], [`Error::Status`] or
    /// [`Error::Device`] otherwise.
    pub fn select(transaction: &'t mut dyn Transaction) -> Result<Self, Error> {
        let mut channel = Channel::new(transaction);
        let selection = select(&mut channel)?;
        Ok(Self { channel, locked: selection.challenge.is_some(), selection, keys: None, fresh: false })
    }

    /// What the token told when it was selected.
    pub fn selection(&self) -> &Selection {
        &self.selection
    }

    /// An access key is set and hasn't been proven yet.
    ///
    /// A Nitrokey 3 with a PIN isn't locked in this sense: it answers, and hides what the PIN protects.
    pub fn is_locked(&self) -> bool {
        self.locked
    }

    /// Unlocks the application for this session; sends nothing when it isn't locked.
    ///
    /// # Errors
    ///
    /// [`Error::Locked`] when there is no key, [`Error::WrongKey`] when the token refuses it, [`Error::Impostor`] when
    /// it can't prove that it knows the key itself. After any error the application has to be selected again.
    pub fn validate(&mut self, keys: &KeySlot) -> Result<(), Error> {
        let mut challenge = [0; 8];
        getrandom::fill(&mut challenge)
            .map_err(|_| device::Error::Failed("the system has no random numbers".to_owned()))?;
        self.validate_with(keys, &challenge)
    }

    /// Everything that the token is willing to list, at most 256 credentials. Moves no counter, asks for no
    /// touch.
    ///
    /// # Errors
    ///
    /// [`Error::Locked`]; [`Error::Malformed`] or [`Error::Status`] when LIST fails. Without CALCULATE ALL
    /// there is no error, but touch and digits stay unknown.
    pub fn credentials(&mut self) -> Result<Vec<Credential>, Error> {
        let details = self.details()?;
        let response = done(list::INSTRUCTION, self.privileged(&list::command())?)?;
        let mut seen = BTreeSet::new();
        let mut entries = list::parse(&response.data)?;
        entries.retain(|entry| seen.insert(entry.id.clone()));
        entries.truncate(MAX_CREDENTIALS);
        Ok(entries.into_iter().map(|entry| describe(entry, &details)).collect())
    }

    /// One code. HOTP spends a count on the token, whether or not the code arrives.
    ///
    /// Tells `progress` when the credential is known to want a touch; without one the call blocks for as long
    /// as the token waits, up to 35 s.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] when `factor` doesn't fit the kind of credential, before anything is sent;
    /// [`Error::Locked`], [`Error::TouchTimedOut`], [`Error::NoSuchCredential`] and the rest as they are named.
    pub fn calculate(
        &mut self,
        credential: &Credential,
        factor: MovingFactor,
        progress: &dyn Progress,
    ) -> Result<Code, Error> {
        let command = calculate::command(credential, factor)?;
        if credential.touch == Touch::Yes {
            progress.touch_needed();
        }
        if self.keys.is_some() && !self.fresh {
            self.renew()?;
        }
        self.fresh = false;
        let harmless = credential.kind != Kind::Hotp && credential.touch != Touch::Yes;
        let repeat = if harmless { Repeat::Allowed } else { Repeat::Never };
        let response = self.channel.send(&command, repeat, progress)?;
        calculate::parse(response, credential, self.locked)
    }

    pub(super) fn validate_with(&mut self, keys: &KeySlot, challenge: &[u8; 8]) -> Result<(), Error> {
        let Some(cards) = &self.selection.challenge else {
            return Ok(());
        };
        // Borrowed before the token is waited for, which may take for ever.
        let lent = keys.lend(|key| (validate::command(key, cards, challenge), answer(key, challenge)));
        let (command, expected) = lent.ok_or(Error::Locked)?;
        let response = self.channel.send(&command?, Repeat::Never, &NoProgress)?;
        validate::check(&expected, &response)?;
        self.locked = false;
        self.keys = Some(keys.clone());
        self.fresh = true;
        Ok(())
    }

    /// Touch and digits by credential; empty when the token doesn't tell them.
    fn details(&mut self) -> Result<Details, Error> {
        let response = match self.privileged(&calculate_all::command()?) {
            Ok(response) => response,
            Err(Error::Malformed(_) | Error::Status { .. }) => {
                // Half-fetched answers have been seen to leak into the next one.
                self.renew()?;
                return Ok(Details::new());
            }
            Err(error) => return Err(error),
        };
        if self.locked && means_locked(response.status) {
            return Err(Error::Locked);
        }
        let mut details = Details::new();
        // Missing (6D00), stopped by one corrupt credential (6581) or by one that refuses this step (6982):
        // LIST still works then.
        if response.status == Status::OK {
            for entry in calculate_all::parse(&response.data).unwrap_or_default() {
                details.entry(entry.id).or_insert((entry.touch, entry.digits));
            }
        }
        Ok(details)
    }

    /// Sends a harmless command that needs the authorisation, and renews it when the token has dropped it.
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

fn describe(entry: list::Entry, details: &Details) -> Credential {
    let (touch, digits) = details.get(&entry.id).copied().unwrap_or((Touch::Unknown, None));
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
    }
}
