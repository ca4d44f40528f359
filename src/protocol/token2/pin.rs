//! The state of the key's PIN.

use super::error::{malformed, means_unknown, refused};
use crate::iso7816::{Response, Status, status};
use crate::oath::Error;

/// The lengths of the state: algorithm, attempts left, length of the PIN, maximum of attempts, and five bytes more.
const LENGTHS: [usize; 2] = [4, 9];

/// The state of the PIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pin {
    /// None is set.
    None,
    /// One is set, with this number of attempts left.
    Set(u8),
    /// The key does not tell its state. Firmware before R3.4 has no PIN.
    Untold,
    /// The key does not tell its state, but refused entries for want of a PIN.
    Hidden,
}

impl Pin {
    /// Parses the response to the command for the state. `was_asked_for`: whether the key refused entries for want of a PIN
    /// before, which tells more than a state that may be truncated.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] if the response is one to another command, or an error that may pass.
    pub(super) fn parse(response: &Response, was_asked_for: bool) -> Result<Self, Error> {
        let pin = match response.status {
            Status::OK => Self::read(&response.data)?,
            status::BLOCKED => Self::Set(0),
            status::SECURITY_STATUS_NOT_SATISFIED | status::CONDITIONS_NOT_SATISFIED => Self::Hidden,
            status if means_unknown(status) => Self::Untold,
            status => return Err(refused(status)),
        };
        match pin {
            Self::None | Self::Untold if was_asked_for => Ok(Self::Hidden),
            pin => Ok(pin),
        }
    }

    /// The state in a response; a truncated one tells nothing.
    fn read(data: &[u8]) -> Result<Self, Error> {
        match *data {
            [_, attempts, length, maximum, ..]
                if LENGTHS.contains(&data.len()) && maximum > 0 && attempts <= maximum =>
            {
                Ok(if length == 0 { Self::None } else { Self::Set(attempts) })
            }
            _ if data.len() <= 9 => Ok(Self::Untold),
            _ => Err(malformed("the key has sent something else than the state of its PIN")),
        }
    }

    /// Whether a PIN is set, as far as is known.
    pub(super) fn is_set(self) -> bool {
        matches!(self, Self::Set(_) | Self::Hidden)
    }

    /// The number of attempts left, if a PIN is set and the key tells it.
    pub(super) fn attempts(self) -> Option<u8> {
        match self {
            Self::None | Self::Untold | Self::Hidden => None,
            Self::Set(attempts) => Some(attempts),
        }
    }

    /// The error of a command that a PIN prevents. A hidden PIN may be gone, so the key decides.
    pub(super) fn check(self) -> Result<(), Error> {
        match self {
            Self::None | Self::Untold | Self::Hidden => Ok(()),
            Self::Set(0) => Err(Error::PinBlocked),
            Self::Set(_) => Err(Error::Locked),
        }
    }
}
