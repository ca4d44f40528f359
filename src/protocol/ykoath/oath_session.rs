//! YKOATH as one of the families of tokens.

use super::{Session, access_key, manage, pin};
use crate::device::Progress;
use crate::oath::{
    Credential, CredentialName, Error, KeySlot, Kind, MovingFactor, NewCredential, OathSession,
    SelfDescription, UnlockKey,
};
use crate::otp::{Code, Period};
use crate::secret::SecretText;

impl OathSession for Session<'_> {
    fn description(&self) -> SelfDescription {
        let selection = self.selection();
        SelfDescription {
            version: selection.version,
            // A token with a serial number of its own has a new salt at every SELECT.
            salt: selection.salt.clone().filter(|_| selection.serial.is_none()),
            // Tag 8F holds four bytes, which Nitrokey's own tools show in hexadecimal.
            serial: selection.serial.as_deref().map(|serial| data_encoding::HEXLOWER.encode(serial)),
            is_trussed: selection.is_trussed(),
            pin_set: selection.has_pin(),
            attempts_left: selection.attempts_left,
            ..SelfDescription::default()
        }
    }

    fn is_locked(&self) -> bool {
        Session::is_locked(self)
    }

    fn unlock_key(&self, password: &SecretText) -> Result<Option<UnlockKey>, Error> {
        match (&self.selection().challenge, &self.selection().salt) {
            (None, _) if self.selection().has_pin() => Ok(Some(pin::key(password)?)),
            (None, _) => Ok(None),
            (Some(_), Some(salt)) => Ok(Some(access_key::derive(password, salt))),
            (Some(_), None) => Err(Error::Unsupported("it sends no salt for its password")),
        }
    }

    fn unlock(&mut self, keys: &KeySlot) -> Result<(), Error> {
        self.use_pin(keys);
        self.validate(keys)
    }

    fn list_with_pin(&mut self, progress: &dyn Progress) -> Result<Vec<Credential>, Error> {
        self.credentials_with_pin(progress)
    }

    fn list(&mut self) -> Result<Vec<Credential>, Error> {
        self.credentials()
    }

    fn name(&self, kind: Kind, period: Period, issuer: &str, account: &str) -> Result<CredentialName, Error> {
        manage::name(kind, period, issuer, account)
    }

    fn add(&mut self, new: &NewCredential, progress: &dyn Progress) -> Result<CredentialName, Error> {
        Session::add(self, new, progress)
    }

    fn remove(&mut self, credential: &Credential, progress: &dyn Progress) -> Result<(), Error> {
        Session::remove(self, credential, progress)
    }

    fn rename(
        &mut self,
        credential: &Credential,
        issuer: &str,
        account: &str,
        progress: &dyn Progress,
    ) -> Result<CredentialName, Error> {
        Session::rename(self, credential, issuer, account, progress)
    }

    fn new_key(&self, password: &SecretText) -> Result<UnlockKey, Error> {
        Session::new_key(self, password)
    }

    fn set_key(&mut self, key: Option<&KeySlot>, progress: &dyn Progress) -> Result<(), Error> {
        Session::set_key(self, key, progress)
    }

    fn calculate(
        &mut self,
        credential: &Credential,
        factor: MovingFactor,
        progress: &dyn Progress,
    ) -> Result<Code, Error> {
        Session::calculate(self, credential, factor, progress)
    }
}
