//! The state of the key's PIN.

use super::error::{done, malformed};
use crate::iso7816::{Response, Status, status};
use crate::oath::Error;

/// The state of the PIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pin {
    /// None is set, or the firmware has none.
    None,
    /// One is set, with this number of attempts left.
    Set(u8),
    /// The key does not tell its state, but refused a list for want of a PIN before.
    Hidden,
}

impl Pin {
    /// Parses the response to the command for the state: algorithm, attempts left, length of the PIN, maximum of attempts.
    /// `was_asked_for`: whether the key refused a list for want of a PIN before.
    pub(super) fn parse(response: Response, was_asked_for: bool) -> Result<Self, Error> {
        if is_unknown(response.status) {
            return Ok(if was_asked_for { Self::Hidden } else { Self::None });
        }
        if response.status == status::BLOCKED {
            return Ok(Self::Set(0));
        }
        match *done(response)?.data.as_slice() {
            [_, _, 0, _, ..] => Ok(Self::None),
            [_, attempts, _, _, ..] => Ok(Self::Set(attempts)),
            _ => Err(malformed("the state of the PIN is truncated")),
        }
    }

    /// The number of attempts left, if a PIN is set and the key tells it.
    pub(super) fn attempts(self) -> Option<u8> {
        match self {
            Self::None | Self::Hidden => None,
            Self::Set(attempts) => Some(attempts),
        }
    }

    /// The error of a command that a PIN prevents. A hidden PIN may be gone, so the key decides.
    pub(super) fn check(self) -> Result<(), Error> {
        match self {
            Self::None | Self::Hidden => Ok(()),
            Self::Set(0) => Err(Error::PinBlocked),
            Self::Set(_) => Err(Error::Locked),
        }
    }
}

/// Whether the status word means that the key does not know the command. Firmware before R3.4 has no PIN, and none has it over
/// HID; the word differs between models.
fn is_unknown(status: Status) -> bool {
    matches!(
        status,
        status::FUNCTION_NOT_SUPPORTED
            | status::INSTRUCTION_NOT_SUPPORTED
            | status::INCORRECT_P1_P2
            | status::WRONG_P1_P2
            | status::WRONG_PARAMETERS
    )
}
