//! Converts the results of YKOATH's commands to [`Error`].

use crate::iso7816::{Response, Status, TooLong, status, tlv};
use crate::oath::Error;

impl From<tlv::Malformed> for Error {
    fn from(_: tlv::Malformed) -> Self {
        malformed("an element of the response is truncated")
    }
}

impl From<TooLong> for Error {
    fn from(_: TooLong) -> Self {
        Self::Unsupported("the command is too long for one APDU")
    }
}

/// The error of an invalid response.
pub(super) fn malformed(reason: &'static str) -> Error {
    Error::Malformed(reason.to_owned())
}

/// The error of a status word without a meaning of its own.
pub(super) fn refused(instruction: u8, status: Status) -> Error {
    Error::Malformed(format!("instruction {instruction:02X} was refused with status {status}"))
}

/// The response of a successful command, or the refusal as an error.
pub(super) fn done(instruction: u8, response: Response) -> Result<Response, Error> {
    match response.status {
        Status::OK => Ok(response),
        status if means_locked(status) => Err(Error::Locked),
        status => Err(refused(instruction, status)),
    }
}

/// Whether the status word means that VALIDATE is required; Solo uses 6985 for that.
pub(super) fn means_locked(status: Status) -> bool {
    matches!(status, status::SECURITY_STATUS_NOT_SATISFIED | status::CONDITIONS_NOT_SATISFIED)
}
