//! VALIDATE: both sides prove that they know the access key.

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::access_key::answer;
use super::error::refused;
use super::tag;
use crate::iso7816::{Command, Response, Status, status, tlv};
use crate::oath::{Error, UnlockKey};

pub(super) const INSTRUCTION: u8 = 0xa3;

pub(super) fn command(key: &UnlockKey, card_challenge: &[u8], ours: &[u8; 8]) -> Result<Command, Error> {
    let mut data = Zeroizing::new(Vec::new());
    tlv::write(&mut data, tag::FULL_RESPONSE, &answer(key, card_challenge));
    tlv::write(&mut data, tag::CHALLENGE, ours);
    Ok(Command::new(INSTRUCTION, 0, 0, std::mem::take(&mut *data))?)
}

/// Checks that the card accepted our proof, and that its own proof is `expected`.
pub(super) fn check(expected: &[u8], response: &Response) -> Result<(), Error> {
    match response.status {
        Status::OK => {}
        // The status words of YubiKey, pico-fido, tokens without the command, and Nitrokey.
        status::WRONG_DATA
        | status::DATA_INVALID
        | status::SECURITY_STATUS_NOT_SATISFIED
        | status::VERIFICATION_FAILED => return Err(Error::WrongPassword),
        status => return Err(refused(INSTRUCTION, status)),
    }
    let proven = tlv::read(&response.data)
        .filter_map(Result::ok)
        .find(|element| element.tag == tag::FULL_RESPONSE)
        .is_some_and(|element| element.value.ct_eq(expected).into());
    if proven { Ok(()) } else { Err(Error::Impostor) }
}
