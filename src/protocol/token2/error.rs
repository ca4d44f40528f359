//! The errors of exchanges with the key, and of its status words.

use crate::iso7816::{Response, Status, status};
use crate::{device, oath};

/// The error of an exchange over HID.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The device failed.
    #[error(transparent)]
    Device(#[from] device::Error),
    /// The FIDO interface does not pass the command on: the key's HID function is switched off.
    #[error("the key has no application for codes over HID")]
    NotServed,
    /// The key is busy with another program.
    #[error("another program uses the key")]
    InUse,
    /// The key sent no report.
    #[error("the key sends no response")]
    Silence,
    /// The key stays busy without a touch.
    #[error("the key stays busy with a command")]
    StaysBusy,
    /// The response broke off.
    #[error("the response of the key broke off")]
    BrokenOff,
    /// The key sent reports of other protocols without end.
    #[error("the key floods its interface with reports for other programs")]
    Flood,
    /// A report has another length than 64 bytes.
    #[error("the key sent a report of {0} bytes instead of 64")]
    ReportLength(usize),
    /// The response is too long or too short.
    #[error("the key sent a response of the impossible length of {0} bytes")]
    Length(usize),
    /// A report of the response came out of order.
    #[error("the key sent report {received} of the response instead of report {expected}")]
    Sequence {
        /// The number of the next report.
        expected: u8,
        /// The number of the received report.
        received: u8,
    },
}

impl From<Error> for oath::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Device(error) => Self::Device(error),
            Error::NotServed => Self::NoApplication,
            Error::InUse => Self::Device(device::Error::Busy),
            Error::Silence | Error::StaysBusy | Error::BrokenOff | Error::Flood => {
                Self::NoAnswer(error.to_string())
            }
            Error::ReportLength(_) | Error::Length(_) | Error::Sequence { .. } => {
                Self::Malformed(error.to_string())
            }
        }
    }
}

/// The error of an invalid response.
pub(super) fn malformed(reason: &'static str) -> oath::Error {
    oath::Error::Malformed(reason.to_owned())
}

/// The response of a successful command, or the refusal as an error.
pub(super) fn done(response: Response) -> Result<Response, oath::Error> {
    match response.status {
        Status::OK => Ok(response),
        status::SECURITY_STATUS_NOT_SATISFIED | status::CONDITIONS_NOT_SATISFIED => Err(oath::Error::Locked),
        status::BLOCKED => Err(oath::Error::PinBlocked),
        status::TOUCH_TIMED_OUT => Err(oath::Error::TouchTimedOut),
        status => Err(refused(status)),
    }
}

/// The error of a command that was refused.
pub(super) fn refused(status: Status) -> oath::Error {
    oath::Error::Malformed(format!("a command was refused with status {status}"))
}

/// Whether the status word means that the key does not know the command. The word differs between models.
pub(super) fn means_unknown(status: Status) -> bool {
    matches!(
        status,
        status::FUNCTION_NOT_SUPPORTED
            | status::INSTRUCTION_NOT_SUPPORTED
            | status::CLASS_NOT_SUPPORTED
            | status::INCORRECT_P1_P2
            | status::WRONG_P1_P2
            | status::WRONG_PARAMETERS
    )
}

/// Whether the status word means that there is no such entry, or none at all.
pub(super) fn means_no_entry(status: Status) -> bool {
    matches!(status, status::WRONG_DATA | status::NO_RECORD)
}
