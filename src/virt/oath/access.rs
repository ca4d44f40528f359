//! The access code: SET CODE and VALIDATE.

use pbkdf2::pbkdf2_hmac;
use sha1::Sha1;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::input::Input;
use super::{Data, tag};
use crate::iso7816::{Status, status, tlv};
use crate::otp::Algorithm;
use crate::secret::{SecretBytes, SecretText};

/// The value of tag 7B for HMAC-SHA-1, the only algorithm of access codes.
pub(super) const ALGORITHM: u8 = 0x01;

/// The access code, and whether it was validated since the application was selected.
pub(super) struct Access {
    salt: [u8; 8],
    key: Option<SecretBytes>,
    unlocked: bool,
    /// The number of challenges; each challenge is new.
    challenges: u64,
    challenge: [u8; 8],
}

impl Access {
    /// With the key that is derived from the password (PBKDF2 of RFC 8018, 1000 rounds, 16 bytes), or without a key.
    pub(super) fn new(password: Option<&SecretText>, salt: [u8; 8]) -> Self {
        let key = password.map(|password| {
            let mut key = vec![0; 16];
            pbkdf2_hmac::<Sha1>(password.expose().as_bytes(), &salt, 1000, &mut key);
            SecretBytes::new(key)
        });
        Self { salt, key, unlocked: false, challenges: 0, challenge: [0; 8] }
    }

    pub(super) fn is_locked(&self) -> bool {
        self.key.is_some() && !self.unlocked
    }

    /// Locks the application; returns the challenge to unlock it again, if there is an access code.
    pub(super) fn lock(&mut self) -> Option<[u8; 8]> {
        self.unlocked = false;
        self.key.as_ref()?;
        self.challenges = self.challenges.wrapping_add(1);
        let digest = Algorithm::Sha1.hmac(&self.salt, &self.challenges.to_be_bytes());
        self.challenge = digest.first_chunk().copied().unwrap_or_default();
        Some(self.challenge)
    }

    /// VALIDATE: the host proves that it knows the key, and then the token proves the same.
    pub(super) fn validate(&mut self, data: &[u8], wrong_code: Status) -> Data {
        let key = self.key.as_ref().ok_or(status::DATA_INVALID)?;
        let mut input = Input::new(data);
        let response = input.element(tag::RESPONSE)?;
        let challenge = input.element(tag::CHALLENGE)?;
        input.end()?;
        if challenge.len() < 8 {
            return Err(status::WRONG_DATA);
        }
        let expected = Algorithm::Sha1.hmac(key.expose(), &self.challenge);
        if !bool::from(expected.ct_eq(response)) {
            return Err(wrong_code);
        }
        self.unlocked = true;
        let mut answer = Zeroizing::new(Vec::new());
        tlv::write(&mut answer, tag::RESPONSE, &Algorithm::Sha1.hmac(key.expose(), challenge));
        Ok(answer)
    }

    /// SET CODE: sets a new key, with the proof that the host knows it; an empty key removes the access code.
    pub(super) fn set_code(&mut self, data: &[u8]) -> Result<(), Status> {
        let mut input = Input::new(data);
        let key = match input.element(tag::KEY)? {
            [] => {
                input.end()?;
                self.key = None;
                return Ok(());
            }
            [0x21, key @ ..] if (1..=64).contains(&key.len()) => key,
            _ => return Err(status::WRONG_DATA),
        };
        let challenge = input.element(tag::CHALLENGE)?;
        let response = input.element(tag::RESPONSE)?;
        input.end()?;
        if !bool::from(Algorithm::Sha1.hmac(key, challenge).ct_eq(response)) {
            return Err(status::DATA_INVALID);
        }
        self.key = Some(SecretBytes::new(key.to_vec()));
        self.unlocked = true;
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn fix_challenge(&mut self, challenge: [u8; 8]) {
        self.challenge = challenge;
    }
}
