//! A session: the operations of a family's protocol within one transaction.

use super::{Credential, CredentialName, Error, KeySlot, Kind, MovingFactor, NewCredential, UnlockKey};
use crate::device::Progress;
use crate::otp::{Code, Period};
use crate::secret::SecretText;

/// A session with one token. It lasts as long as the transaction that it borrows.
///
/// An operation that the family lacks returns [`Error::NotOnThisFamily`].
pub trait OathSession {
    /// The description that the token reported at the start of the session.
    fn description(&self) -> SelfDescription;

    /// Whether the token requires [`OathSession::unlock`] before it lists or calculates.
    fn is_locked(&self) -> bool;

    /// Derives the key that unlocks this token from a password. `None` when no password is set on the token.
    /// The key of a PIN is the PIN itself.
    ///
    /// Sends nothing.
    ///
    /// # Errors
    ///
    /// [`Error::NotOnThisFamily`], or [`Error::Unsupported`] when this token's lock is of another kind.
    fn unlock_key(&self, _password: &SecretText) -> Result<Option<UnlockKey>, Error> {
        Err(Error::NotOnThisFamily("password"))
    }

    /// Unlocks the token for this session; sends nothing when it is not locked.
    ///
    /// A token with a PIN is not locked: the session keeps the slot, and verifies the PIN directly before each command that
    /// uses a protected credential.
    ///
    /// # Errors
    ///
    /// [`Error::Locked`] when the slot is empty, [`Error::WrongPassword`] when the token refuses the key,
    /// [`Error::Impostor`] when the token cannot prove that it knows the key. The session cannot be used after an error.
    fn unlock(&mut self, keys: &KeySlot) -> Result<(), Error>;

    /// Reads the number of PIN attempts left, if the token does not report it by itself at the start of a session. The
    /// description then has the new number.
    ///
    /// # Errors
    ///
    /// [`Error::Device`], [`Error::NoAnswer`] or [`Error::Malformed`].
    fn read_attempts(&mut self) -> Result<(), Error> {
        Ok(())
    }

    /// Lists the credentials. Advances no counter and requires no touch.
    ///
    /// # Errors
    ///
    /// [`Error::Locked`], [`Error::Malformed`] or [`Error::Device`].
    fn list(&mut self) -> Result<Vec<Credential>, Error>;

    /// As [`OathSession::list`], but may end between two commands when the caller no longer waits.
    ///
    /// # Errors
    ///
    /// Those of [`OathSession::list`].
    fn list_while_awaited(&mut self, _progress: &dyn Progress) -> Result<Vec<Credential>, Error> {
        self.list()
    }

    /// Verifies the PIN in the slot of [`OathSession::unlock`], and lists the credentials with those that it protects.
    /// The description then has the new number of attempts left.
    ///
    /// Calls [`Progress::touch_needed`], because the token waits for a touch before it looks at the PIN.
    ///
    /// # Errors
    ///
    /// [`Error::NotOnThisFamily`]; [`Error::Unsupported`] when this token's list does not say what is protected;
    /// [`Error::Locked`] when the slot is empty; [`Error::WrongPin`], [`Error::PinBlocked`], [`Error::TouchTimedOut`],
    /// [`Error::Malformed`] or [`Error::Device`] otherwise. Nothing is tried twice.
    fn list_with_pin(&mut self, _progress: &dyn Progress) -> Result<Vec<Credential>, Error> {
        Err(Error::NotOnThisFamily("PIN"))
    }

    /// Allows [`OathSession::calculate`] to set the clock of the token, also back. Does nothing for a token without a clock.
    fn allow_set_time(&mut self) {}

    /// The name that a credential gets on this token. Sends nothing.
    ///
    /// # Errors
    ///
    /// [`Error::NotOnThisFamily`], or [`Error::UnusableName`].
    fn name(
        &self,
        _kind: Kind,
        _period: Period,
        _issuer: &str,
        _account: &str,
    ) -> Result<CredentialName, Error> {
        Err(Error::NotOnThisFamily("command to name a credential"))
    }

    /// Writes a new credential, and returns its name. A credential that exists is never replaced.
    ///
    /// # Errors
    ///
    /// Before anything is written: [`Error::NotOnThisFamily`], [`Error::Unsupported`], [`Error::UnusableName`],
    /// [`Error::AlreadyExists`] or an error of the list. [`Error::NoSpace`], [`Error::Locked`], [`Error::TouchTimedOut`],
    /// [`Error::Malformed`], [`Error::Device`] or [`Error::MaybeChanged`] otherwise.
    fn add(&mut self, _new: &NewCredential, _progress: &dyn Progress) -> Result<CredentialName, Error> {
        Err(Error::NotOnThisFamily("command to add a credential"))
    }

    /// Deletes a credential.
    ///
    /// # Errors
    ///
    /// [`Error::NotOnThisFamily`], [`Error::NoSuchCredential`], [`Error::Locked`], [`Error::TouchTimedOut`],
    /// [`Error::Malformed`], [`Error::Device`] or [`Error::MaybeChanged`].
    fn remove(&mut self, _credential: &Credential, _progress: &dyn Progress) -> Result<(), Error> {
        Err(Error::NotOnThisFamily("command to delete a credential"))
    }

    /// Gives a credential another issuer and account, and returns its new name.
    ///
    /// # Errors
    ///
    /// Before anything is written: [`Error::NotOnThisFamily`], [`Error::UnusableName`], [`Error::AlreadyExists`] or an error
    /// of the list. [`Error::Unsupported`] if the token lacks the command; [`Error::NoSuchCredential`], [`Error::Locked`],
    /// [`Error::Malformed`], [`Error::Device`] or [`Error::MaybeChanged`] otherwise.
    fn rename(
        &mut self,
        _credential: &Credential,
        _issuer: &str,
        _account: &str,
        _progress: &dyn Progress,
    ) -> Result<CredentialName, Error> {
        Err(Error::NotOnThisFamily("command to rename a credential"))
    }

    /// Derives the key of a new password for this token. Sends nothing.
    ///
    /// # Errors
    ///
    /// [`Error::NotOnThisFamily`], or [`Error::Unsupported`] when this token takes no password.
    fn new_key(&self, _password: &SecretText) -> Result<UnlockKey, Error> {
        Err(Error::NotOnThisFamily("password"))
    }

    /// Makes the key in the slot the one that unlocks the token, and proves it; `None` clears the password of the token. The
    /// slot is read once more for the proof.
    ///
    /// # Errors
    ///
    /// [`Error::NotOnThisFamily`] or [`Error::Unsupported`]; [`Error::Locked`] when the slot is empty or the session is not
    /// unlocked; [`Error::Malformed`], [`Error::Device`] or [`Error::MaybeChanged`] otherwise. It is sent at most once.
    fn set_key(&mut self, _key: Option<&KeySlot>, _progress: &dyn Progress) -> Result<(), Error> {
        Err(Error::NotOnThisFamily("command to set a password"))
    }

    /// Calculates one code. For HOTP the token's counter advances, whether or not the code arrives.
    ///
    /// Calls [`Progress::touch_needed`] when the credential is known to require a touch. Without one the call blocks
    /// for as long as the token waits, up to 35 s.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] before anything is sent when `factor` does not fit the kind of credential;
    /// [`Error::ClockBehind`] or [`Error::UsedAhead`] when the token refuses the time; [`Error::Locked`], [`Error::TouchTimedOut`],
    /// [`Error::NoSuchCredential`], [`Error::Malformed`] or [`Error::Device`] otherwise, and those of [`OathSession::list_with_pin`] for a protected credential.
    fn calculate(
        &mut self,
        credential: &Credential,
        factor: MovingFactor,
        progress: &dyn Progress,
    ) -> Result<Code, Error>;
}

/// The description that a token reports at the start of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SelfDescription {
    /// The version that the token's OATH application reports. Only some vendors put the firmware's version there.
    pub version: Option<[u8; 3]>,
    /// A value that stays the same until the application is reset: YKOATH's salt, usually 8 bytes.
    pub salt: Option<Vec<u8>>,
    /// The serial number, in the notation of the vendor's own tools.
    pub serial: Option<String>,
    /// Whether the application is the secrets application of Trussed keys, such as Nitrokey 3.
    pub is_trussed: bool,
    /// Whether a PIN is set, which may hide credentials.
    pub pin_set: bool,
    /// The number of PIN attempts left; `None` if no PIN is set or the token does not count them.
    pub attempts_left: Option<u8>,
    /// The rules of the PIN, if one is set.
    pub pin_rules: PinRules,
    /// Whether the token calculates codes for the time of its own clock, which gives codes of the current time step only.
    pub own_clock: bool,
    /// The maximum length of a key in bytes, if the token cannot hold longer ones by any means.
    pub max_key: Option<usize>,
}

impl SelfDescription {
    /// Whether a later description is of another token, or of this one after a reset of its application: this one has an
    /// identity, and the later one shows no part of it.
    pub fn is_of_other_token(&self, other: &Self) -> bool {
        let has_identity = self.salt.is_some() || self.serial.is_some();
        let same_salt = self.salt.is_some() && self.salt == other.salt;
        let same_serial = self.serial.is_some() && self.serial == other.serial;
        has_identity && !same_salt && !same_serial
    }
}

/// The rules of a token's PIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PinRules {
    /// Whether the token waits for a touch before it looks at a PIN.
    pub needs_touch: bool,
    /// The number of last attempts that are left for a person who is sure of the PIN.
    pub spared_attempts: u8,
}

impl Default for PinRules {
    /// The rules of a Nitrokey 3, which allows eight attempts.
    fn default() -> Self {
        Self { needs_touch: true, spared_attempts: 3 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_another_one_if_no_part_of_its_identity_is_the_same() {
        let of = |salt: Option<u8>, serial: Option<&str>| SelfDescription {
            salt: salt.map(|byte| vec![byte; 8]),
            serial: serial.map(str::to_owned),
            ..SelfDescription::default()
        };
        for (one, other, is_other) in [
            (of(Some(1), None), of(Some(1), None), false),
            (of(Some(1), None), of(Some(2), None), true),
            (of(None, Some("7")), of(None, Some("7")), false),
            (of(None, Some("7")), of(None, Some("8")), true),
            (of(Some(1), None), of(None, Some("7")), true),
            (of(Some(1), Some("7")), of(Some(2), Some("7")), false),
            (of(Some(1), Some("7")), of(Some(1), None), false),
            (of(Some(1), Some("7")), of(None, None), true),
            (of(Some(1), None), of(None, None), true),
            (of(None, Some("7")), of(None, None), true),
            // Nothing is known that could differ.
            (of(None, None), of(Some(1), Some("7")), false),
            (of(None, None), of(None, None), false),
        ] {
            assert_eq!(one.is_of_other_token(&other), is_other, "{one:?} {other:?}");
        }
    }
}
