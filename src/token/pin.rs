//! The rules for the PIN of a token: which attempts are spared, and what is listed while the daemon holds the PIN.

use crate::oath::{Credential, Error, KeySlot, OathSession, SelfDescription};

/// The credentials of a token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// Those that the token lists; those that a PIN protects are among them while the daemon holds the PIN.
    pub credentials: Vec<Credential>,
    /// Whether a PIN is set that the daemon does not hold, so that there may be more.
    pub may_hide_more: bool,
}

/// Checks that an attempt at the PIN may be made. Sends nothing.
///
/// # Errors
///
/// [`Error::PinBlocked`] without attempts, [`Error::AttemptsLow`] for one of the last attempts that is not allowed.
pub(super) fn check_attempts(description: &SelfDescription, allow_last: bool) -> Result<(), Error> {
    match description.attempts_left.filter(|_| description.pin_set) {
        Some(0) => Err(Error::PinBlocked),
        Some(left) if left <= description.pin_rules.spared_attempts && !allow_last => {
            Err(Error::AttemptsLow(left))
        }
        _ => Ok(()),
    }
}

/// The session, which verifies the kept PIN before it uses a protected credential. Only the attempts are read.
pub(super) fn with_kept_pin<'s, 't>(
    session: &'s mut (dyn OathSession + 't),
    known: &KeySlot,
) -> Result<&'s mut (dyn OathSession + 't), Error> {
    session.unlock(known)?;
    session.read_attempts()?;
    check_attempts(&session.description(), false)?;
    Ok(session)
}

/// The protected credentials as they were listed when the PIN was verified.
///
/// A reading does not verify the PIN again, because that waits for a touch.
#[derive(Debug, Default)]
pub(super) struct Protected {
    credentials: Vec<Credential>,
    /// Whether the known key of the token is a PIN.
    has_pin: bool,
}

impl Protected {
    /// Remembers the protected ones of a list that the PIN has shown.
    pub(super) fn remember(&mut self, credentials: &[Credential]) {
        let protected = credentials.iter().filter(|credential| credential.is_pin_protected);
        (self.credentials, self.has_pin) = (protected.cloned().collect(), true);
    }

    /// A list that was read without the PIN, with the remembered credentials if the daemon still holds the PIN.
    pub(super) fn complete(
        &mut self,
        mut credentials: Vec<Credential>,
        description: &SelfDescription,
        known: &KeySlot,
    ) -> Listed {
        if self.has_pin && !description.pin_set {
            // Another program has reset the application.
            drop(known.take());
        }
        self.has_pin &= known.lend(|_| ()).is_some();
        if self.has_pin {
            // A token may list all credentials without its PIN, as they are now.
            let is_hidden = |protected: &&Credential| {
                !credentials.iter().any(|listed| listed.name.bytes == protected.name.bytes)
            };
            let hidden: Vec<_> = self.credentials.iter().filter(is_hidden).cloned().collect();
            credentials.extend(hidden);
        } else {
            self.credentials.clear();
        }
        Listed { credentials, may_hide_more: description.pin_set && !self.has_pin }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oath::{Algorithm, CredentialName, Kind, PinRules, Touch, UnlockKey};
    use crate::otp::{Digits, Period};
    use crate::secret::SecretBytes;

    fn credential(bytes: &[u8], account: &str) -> Credential {
        let (bytes, account) = (bytes.to_vec(), account.to_owned());
        Credential {
            name: CredentialName { bytes, issuer: String::new(), account, period: Period::DEFAULT },
            kind: Kind::Totp,
            algorithm: Algorithm::Sha1,
            digits: Digits::SIX,
            digits_known: true,
            touch: Touch::No,
            is_pin_protected: true,
        }
    }

    #[test]
    fn a_remembered_credential_is_added_only_if_the_token_does_not_list_it() {
        let known = KeySlot::from(UnlockKey::new(SecretBytes::new(vec![7])));
        let mut protected = Protected::default();
        protected.remember(&[credential(b"1", "alice"), credential(b"2", "bob")]);
        let description = SelfDescription { pin_set: true, ..SelfDescription::default() };
        let listed = protected.complete(vec![credential(b"1", "carol")], &description, &known);
        assert_eq!(listed.credentials, [credential(b"1", "carol"), credential(b"2", "bob")]);
        assert!(!listed.may_hide_more);
    }

    #[test]
    fn the_last_three_attempts_are_spared() {
        let of = |attempts_left, pin_set| SelfDescription { attempts_left, pin_set, ..Default::default() };
        for allow_last in [false, true] {
            assert_eq!(check_attempts(&of(Some(4), true), allow_last), Ok(()));
            assert_eq!(check_attempts(&of(Some(0), true), allow_last), Err(Error::PinBlocked));
            assert_eq!(check_attempts(&of(Some(0), false), allow_last), Ok(()));
            assert_eq!(check_attempts(&of(None, false), allow_last), Ok(()));
        }
        for left in 1..=3 {
            assert_eq!(check_attempts(&of(Some(left), true), false), Err(Error::AttemptsLow(left)));
            assert_eq!(check_attempts(&of(Some(left), true), true), Ok(()));
        }
        let pin_rules = PinRules { spared_attempts: 1, ..PinRules::default() };
        let of_three = |left| SelfDescription { pin_rules, ..of(Some(left), true) };
        assert_eq!(check_attempts(&of_three(2), false), Ok(()));
        assert_eq!(check_attempts(&of_three(1), false), Err(Error::AttemptsLow(1)));
    }
}
