//! What can go wrong in a session.

use crate::device;
use crate::iso7816::{Response, Status, TooLong, tlv};

/// Why a session or a command failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The exchange itself failed.
    #[error(transparent)]
    Device(#[from] device::Error),
    /// The card has no OATH application.
    #[error("the card has no OATH application")]
    NoApplication,
    /// The token wants its password first.
    #[error("the token is locked")]
    Locked,
    /// The access key is not the token's; the session is of no use any more.
    #[error("the token refuses the password")]
    WrongKey,
    /// The token accepted the access key but couldn't prove that it knows it.
    #[error("the token doesn't know its own password")]
    Impostor,
    /// The token has no credential of this id.
    #[error("the token has no such credential")]
    NoSuchCredential,
    /// Nobody touched the token in time.
    #[error("nobody touched the token in time")]
    TouchTimedOut,
    /// The token, the protocol or this credential has no such thing.
    #[error("{0}")]
    Unsupported(&'static str),
    /// The token's answer makes no sense.
    #[error("{0}")]
    Malformed(&'static str),
    /// Any other refusal.
    #[error("instruction {instruction:02X} was refused with status {status}")]
    Status {
        /// The instruction byte of the command.
        instruction: u8,
        /// What the token answered.
        status: Status,
    },
}

impl From<tlv::Malformed> for Error {
    fn from(_: tlv::Malformed) -> Self {
        Self::Malformed("an element of the answer is cut off")
    }
}

impl From<TooLong> for Error {
    fn from(_: TooLong) -> Self {
        Self::Unsupported("the command doesn't fit into one APDU")
    }
}

/// The answer of a command that was done, or the refusal as an error.
pub(super) fn done(instruction: u8, response: Response) -> Result<Response, Error> {
    match response.status {
        Status::OK => Ok(response),
        status if means_locked(status) => Err(Error::Locked),
        status => Err(Error::Status { instruction, status }),
    }
}

/// A privileged command without VALIDATE before it; 6985 is Solo's word for it.
pub(super) fn means_locked(status: Status) -> bool {
    matches!(status.0, 0x6982 | 0x6985)
}
