//! The list of credentials: LIST has all of them, and CALCULATE ALL their touches and digits.
//!
//! A list is whole or it is an error: a token that cannot send all of it is not shown with a part.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::chaining::Repeat;
use super::error::{done, means_locked};
use super::{CredentialId, Session, calculate_all, list};
use crate::device::{NoProgress, Progress};
use crate::iso7816::{Response, Status, status};
use crate::oath::{Credential, Error, Kind, Touch};
use crate::otp::{Digits, Period, Step};

/// The maximum number of credentials, which bounds the objects of a hostile token. The fullest token that was seen held 314.
const MAX_CREDENTIALS: usize = 1_024;

/// The properties from CALCULATE ALL, by credential.
type Details = BTreeMap<CredentialId, (Touch, Option<Digits>)>;

/// The result of CALCULATE ALL.
enum All {
    /// The entries of all credentials.
    Whole(Vec<calculate_all::Entry>),
    /// A credential refuses the step, because a later one was used with it.
    StepRefused,
    /// The token has no such command, or one credential makes it fail, or the response is unusable.
    Unavailable,
}

impl Session<'_> {
    /// Lists the credentials. Advances no counter and requires no touch.
    ///
    /// # Errors
    ///
    /// [`Error::Locked`]; [`Error::ListIncomplete`] if the token cannot send the whole list in any form, or if it has more
    /// than 1,024 credentials; [`Error::Malformed`] if LIST fails. A failure of CALCULATE ALL is no error, but touch and
    /// digits then stay unknown.
    pub fn credentials(&mut self) -> Result<Vec<Credential>, Error> {
        let mut all = self.all(Step(0))?;
        let is_whole = matches!(all, All::Whole(_));
        let entries = match (self.entries(!is_whole), &all) {
            (Err(Error::ListIncomplete), All::Whole(all)) => {
                calculate_all::listed(all).ok_or(Error::ListIncomplete)?
            }
            (entries, _) => entries?,
        };
        if matches!(all, All::StepRefused) {
            all = self.all_once(harmless_step(&entries, self.clock.unix_time()))?;
        }
        described(entries, &all.details())
    }

    /// Verifies the PIN, and lists the credentials with those that it protects. The selection is that of after the list.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] if the list has no properties; [`Error::Locked`] without a PIN in the slot;
    /// [`Error::WrongPin`], [`Error::PinBlocked`], [`Error::TouchTimedOut`]; [`Error::PinListIncomplete`] if the token cannot
    /// send the list; and those of [`Session::credentials`].
    pub fn credentials_with_pin(&mut self, progress: &dyn Progress) -> Result<Vec<Credential>, Error> {
        if !self.selection.lists_properties() {
            return Err(Error::Unsupported("its firmware does not say which credentials its PIN protects"));
        }
        progress.touch_needed();
        self.verify_pin(progress)?;
        // Nothing may come between: the authorisation is that of the next command.
        let list = list::command(list::Form::WithProperties)?.once();
        let response = self.channel.send(&list, Repeat::Never, &NoProgress);
        // The attempts left have changed, also if the list is lost.
        self.refresh();
        let response = response.map_err(|error| match error {
            Error::ListIncomplete => Error::PinListIncomplete,
            error => error,
        })?;
        let entries = list::parse(&done(list::INSTRUCTION, response)?.data, list::Form::WithProperties)?;
        described(entries, &Details::new())
    }

    /// The list, with the properties of the credentials if they are wanted and the token has them.
    fn entries(&mut self, with_properties: bool) -> Result<Vec<list::Entry>, Error> {
        if with_properties && self.selection.lists_properties() {
            let command = list::command(list::Form::WithProperties)?;
            match self.privileged(&command) {
                // Without the properties the list is shorter. The lost part must not begin it.
                Err(Error::ListIncomplete) => self.renew()?,
                Ok(response) if matches!(response.status, status::WRONG_LENGTH | status::WRONG_DATA) => {}
                response => {
                    let response = done(list::INSTRUCTION, response?)?;
                    return list::parse(&response.data, list::Form::WithProperties);
                }
            }
        }
        let response = self.privileged(&list::command(list::Form::Plain)?)?;
        if response.status == status::WRONG_LENGTH {
            // A pico-fido whose list is longer than its buffer.
            return Err(Error::ListIncomplete);
        }
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

    /// Why the token has refused a code with the status word of a locked one, although it had accepted the key.
    ///
    /// A credential that was used with a later step refuses step 0 as well, which no credential remembers.
    pub(super) fn used_ahead_or_locked(&mut self) -> Error {
        match self.all(Step(0)) {
            Ok(All::StepRefused) => Error::UsedAhead,
            Ok(All::Whole(_) | All::Unavailable) => Error::Locked,
            Err(error) => error,
        }
    }

    /// CALCULATE ALL for this step.
    fn all(&mut self, step: Step) -> Result<All, Error> {
        let response = self.privileged(&calculate_all::command(step)?);
        self.all_in(response)
    }

    /// CALCULATE ALL for this step after a successful LIST. A refusal is that of the step, so the authorisation is not renewed.
    fn all_once(&mut self, step: Step) -> Result<All, Error> {
        let response = self.channel.send(&calculate_all::command(step)?, Repeat::Allowed, &NoProgress);
        self.all_in(response)
    }

    fn all_in(&mut self, response: Result<Response, Error>) -> Result<All, Error> {
        let response = match response {
            Ok(response) => response,
            Err(Error::Malformed(_) | Error::ListIncomplete) => {
                // On some tokens the rest of an aborted response appears in the next one.
                self.renew()?;
                return Ok(All::Unavailable);
            }
            Err(error) => return Err(error),
        };
        match response.status {
            Status::OK => Ok(calculate_all::parse(&response.data).map_or(All::Unavailable, All::Whole)),
            status if self.locked && means_locked(status) => Err(Error::Locked),
            status::SECURITY_STATUS_NOT_SATISFIED => Ok(All::StepRefused),
            // CALCULATE ALL may be unsupported (6D00), or fail because of one corrupt credential (6581). LIST still works.
            _ => Ok(All::Unavailable),
        }
    }
}

impl All {
    /// Touch and digits by credential, from its first entry.
    fn details(self) -> Details {
        let mut details = Details::new();
        if let Self::Whole(entries) = self {
            for entry in entries {
                details.entry(entry.id).or_insert((entry.touch, entry.digits));
            }
        }
        details
    }
}

/// The step for CALCULATE ALL on a token that has refused step 0: the current one of the longest period.
///
/// A credential that accepts only increasing challenges remembers each challenge of CALCULATE ALL as the last one. A step
/// after its own current one would make it refuse its codes until that step: the current step of 30 s would stop a
/// credential of 60 s for decades. No credential has an earlier current step than that of the longest period. If a
/// credential of a shorter period refuses it, the touches stay unknown, which does no harm. Step 0 comes first for the same
/// reason: a token without such credentials, or with unused ones, remembers nothing from a clock that is ahead.
fn harmless_step(entries: &[list::Entry], now: Duration) -> Step {
    let totp = entries.iter().filter(|entry| !entry.hotp);
    let longest = totp.map(|entry| entry.id.parse(false).period).max();
    Step::at(now, longest.unwrap_or(Period::DEFAULT))
}

/// The credentials of a list, each of them once.
fn described(mut entries: Vec<list::Entry>, details: &Details) -> Result<Vec<Credential>, Error> {
    let mut seen = BTreeSet::new();
    entries.retain(|entry| seen.insert(entry.id.clone()));
    if entries.len() > MAX_CREDENTIALS {
        return Err(Error::ListIncomplete);
    }
    Ok(entries.into_iter().map(|entry| describe(entry, details)).collect())
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
