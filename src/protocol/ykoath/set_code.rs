//! SET CODE: sets, changes or clears the password of the application.

use zeroize::Zeroizing;

use super::access_key::answer;
use super::error::{means_locked, refused};
use super::{Session, access_key, tag};
use crate::device::{self, Progress};
use crate::iso7816::{Command, Status, status, tlv};
use crate::oath::{Error, KeySlot, UnlockKey};
use crate::secret::SecretText;

const INSTRUCTION: u8 = 0x03;

/// The type of an access key: TOTP with HMAC-SHA1, which every token takes.
const TYPE: u8 = 0x21;

impl Session<'_> {
    /// The access key of a new password. Sends nothing.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`].
    pub fn new_key(&self, password: &SecretText) -> Result<UnlockKey, Error> {
        self.check_takes_password()?;
        let salt = self.selection.salt.as_ref();
        let salt = salt.ok_or(Error::Unsupported("it sends no salt for its password"))?;
        Ok(access_key::derive(password, salt))
    }

    /// Sets the access key, or clears it. See [`crate::oath::OathSession::set_key`].
    ///
    /// # Errors
    ///
    /// See there.
    pub fn set_key(&mut self, key: Option<&KeySlot>, progress: &dyn Progress) -> Result<(), Error> {
        self.check_takes_password()?;
        let response = self.change(&command(key)?, progress)?;
        match response.status {
            Status::OK => {}
            status::INSTRUCTION_NOT_SUPPORTED => {
                return Err(Error::Unsupported("it has no command to set a password"));
            }
            status if means_locked(status) => return Err(Error::Locked),
            status => return Err(refused(INSTRUCTION, status)),
        }
        self.prove(key)
    }

    /// Checks that the token does what it was told. A NEO, a CanoKey and a pico-fido need the new selection as well.
    fn prove(&mut self, key: Option<&KeySlot>) -> Result<(), Error> {
        self.keys = None;
        let proven = match key {
            None => self.renew(),
            Some(key) => self.renew().and_then(|()| self.validate(key)),
        };
        match proven {
            Ok(()) if self.selection.challenge.is_some() == key.is_some() => Ok(()),
            Ok(()) | Err(Error::WrongPassword) => {
                Err(Error::Malformed("the password is not what it was set to".to_owned()))
            }
            // The token has confirmed the command; the key was wiped, or the token was removed since.
            Err(Error::Locked | Error::Device(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Nitrokey's application had the command once. Its salt changes at each selection, so no password would fit again.
    fn check_takes_password(&self) -> Result<(), Error> {
        if self.selection.is_trussed() {
            return Err(Error::Unsupported(
                "it has a PIN instead of a password, which Nitrokey's own program sets",
            ));
        }
        Ok(())
    }
}

/// 73 type and key, 74 challenge, 75 the response to it; an empty 73 clears the key.
fn command(key: Option<&KeySlot>) -> Result<Command, Error> {
    let mut data = Zeroizing::new(Vec::with_capacity(Command::MAX_DATA));
    match key {
        None => tlv::write(&mut data, tag::KEY, &[]),
        Some(key) => {
            let mut challenge = [0; 8];
            getrandom::fill(&mut challenge)
                .map_err(|_| device::Error::Failed("the system provides no random numbers".to_owned()))?;
            key.lend(|key| {
                let value = Zeroizing::new([&[TYPE], key.expose()].concat());
                tlv::write(&mut data, tag::KEY, &value);
                tlv::write(&mut data, tag::CHALLENGE, &challenge);
                tlv::write(&mut data, tag::FULL_RESPONSE, &answer(key, &challenge));
            })
            .ok_or(Error::Locked)?;
        }
    }
    Ok(Command::new(INSTRUCTION, 0, 0, std::mem::take(&mut *data))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_key_clears_the_password_and_any_other_is_proven() {
        assert_eq!(command(None).unwrap().to_bytes(), [0x00, 0x03, 0x00, 0x00, 0x02, 0x73, 0x00, 0x00]);
        let slot = KeySlot::from(access_key::derive(&"correct horse".into(), &[1, 2, 3, 4, 5, 6, 7, 8]));
        let bytes = command(Some(&slot)).unwrap().to_bytes();
        let [0x00, 0x03, 0x00, 0x00, 0x33, 0x73, 0x11, 0x21, rest @ .., 0x00] = bytes.as_slice() else {
            panic!("{bytes:02x?}")
        };
        let (key, rest) = rest.split_at(16);
        assert_eq!(data_encoding::HEXLOWER.encode(key), "49561f12fb17065dd680fc5a61d740a6");
        let [0x74, 0x08, rest @ ..] = rest else { panic!("{bytes:02x?}") };
        let (challenge, rest) = rest.split_at(8);
        let [0x75, 0x14, response @ ..] = rest else { panic!("{bytes:02x?}") };
        assert_eq!(slot.lend(|key| answer(key, challenge)).unwrap().as_slice(), response);
    }

    #[test]
    fn a_wiped_key_is_not_set() {
        assert_eq!(command(Some(&KeySlot::default())).unwrap_err(), Error::Locked);
    }
}
