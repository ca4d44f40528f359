//! The errors of a session.

use crate::device;
use crate::iso7816::{Response, Status, TooLong, status, tlv};

/// The error of a session or a command.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The exchange with the device failed.
    #[error(transparent)]
    Device(#[from] device::Error),
    /// The card has no OATH application.
    #[error("the card has no OATH application")]
    NoApplication,
    /// The token requires its password first.
    #[error("the token is locked")]
    Locked,
    /// The token refused the access key; the session is not usable any more.
    #[error("the token refused the password")]
    WrongKey,
    /// The token accepted the access key but could not prove that it knows it.
    #[error("the token does not know its own password")]
    Impostor,
    /// The token has no credential of this id.
    #[error("the token has no such credential")]
    NoSuchCredential,
    /// The token was not touched in time.
    #[error("the token was not touched in time")]
    TouchTimedOut,
    /// The token, the protocol or this credential does not support the request.
    #[error("{0}")]
    Unsupported(&'static str),
    /// The token's response is invalid.
    #[error("{0}")]
    Malformed(&'static str),
    /// Any other refusal.
    #[error("instruction {instruction:02X} was refused with status {status}")]
    Status {
        /// The instruction byte of the command.
        instruction: u8,
        /// The status word of the token.
        status: Status,
    },
}

impl From<tlv::Malformed> for Error {
    fn from(_: tlv::Malformed) -> Self {
        Self::Malformed("an element of the response is truncated")
    }
}

impl From<TooLong> for Error {
    fn from(_: TooLong) -> Self {
        Self::Unsupported("the command is too long for one APDU")
    }
}

/// The response of a successful command, or the refusal as an error.
pub(super) fn done(instruction: u8, response: Response) -> Result<Response, Error> {
    match response.status {
        Status::OK => Ok(response),
        status if means_locked(status) => Err(Error::Locked),
        status => Err(Error::Status { instruction, status }),
    }
}

/// Whether the status word means that VALIDATE is required; Solo uses 6985 for that.
pub(super) fn means_locked(status: Status) -> bool {
    matches!(status, status::SECURITY_STATUS_NOT_SATISFIED | status::CONDITIONS_NOT_SATISFIED)
}
