//! VERIFY PIN of Nitrokey's secrets application, which shows what the PIN protects to the next command.
//!
//! Measured with version 0.16.0 of the application: the token waits for a touch first, and an untouched attempt costs
//! none. A wrong PIN and a blocked one have the same status word; only SELECT tells them apart.

use zeroize::Zeroizing;

use super::error::refused;
use super::tag;
use crate::iso7816::{Command, Response, Status, status, tlv};
use crate::oath::{Error, UnlockKey};
use crate::secret::{SecretBytes, SecretText};

const INSTRUCTION: u8 = 0xb2;

/// The longest PIN that fits the element with a length of one byte.
const MAX_LENGTH: usize = 127;

/// The PIN, which has no derived form: the token wants it as it is.
pub(super) fn key(pin: &SecretText) -> Result<UnlockKey, Error> {
    if pin.expose().len() > MAX_LENGTH {
        return Err(Error::Unsupported("a PIN has at most 127 bytes"));
    }
    Ok(UnlockKey::new(SecretBytes::new(pin.expose().as_bytes().to_vec())))
}

pub(super) fn command(pin: &UnlockKey) -> Result<Command, Error> {
    let mut data = Zeroizing::new(Vec::new());
    tlv::write(&mut data, tag::PIN, pin.expose());
    Ok(Command::new(INSTRUCTION, 0, 0, std::mem::take(&mut *data))?)
}

/// Whether the token accepted the PIN.
///
/// # Errors
///
/// [`Error::TouchTimedOut`], [`Error::PinBlocked`], or [`Error::Malformed`] for another status word.
pub(super) fn is_accepted(response: &Response) -> Result<bool, Error> {
    match response.status {
        Status::OK => Ok(true),
        // 63Cx of ISO 7816-4 has the number of attempts left in its last digit; SELECT has it for every version.
        status::VERIFICATION_FAILED | Status(0x63c0..=0x63cf) => Ok(false),
        status::BLOCKED => Err(Error::PinBlocked),
        status::SECURITY_STATUS_NOT_SATISFIED => Err(Error::TouchTimedOut),
        status => Err(refused(INSTRUCTION, status)),
    }
}
