//! The errors of exchanges with the key.

use crate::{device, oath};

/// The error of an exchange.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The device failed.
    #[error(transparent)]
    Device(#[from] device::Error),
    /// The key does not take a request: its busy flag stays set.
    #[error("the busy flag of the key stays set")]
    BusyFlag,
    /// Another program waits for a touch of the key.
    #[error("another program waits for a touch of the key")]
    InUse,
    /// The key took the request and sent no response.
    #[error("the key sends no response")]
    NoResponse,
    /// A report has another length than 8 bytes.
    #[error("the key sent a report of {0} bytes instead of 8")]
    ReportLength(usize),
    /// A piece of the response came out of order.
    #[error("the key sent piece {received} of the response instead of piece {expected}")]
    Sequence {
        /// The number of the next piece.
        expected: u8,
        /// The number of the received piece.
        received: u8,
    },
    /// The response is too short.
    #[error("the response of the key has {0} bytes, which is too short")]
    ResponseLength(usize),
    /// The response broke off, as after a request of another program.
    #[error("the response of the key broke off")]
    BrokenOff,
    /// The checksum of the response is wrong.
    #[error("the checksum of the response is wrong")]
    Checksum,
    /// The key has refused the command.
    #[error("the key refuses the command")]
    Refused,
    /// The touch did not come in time.
    #[error("the key was not touched in time")]
    TouchTimedOut,
    /// The caller has left.
    #[error("the request was cancelled")]
    Cancelled,
}

impl Error {
    /// Whether another program may have caused the error, by a request of its own in the middle of the exchange.
    pub(super) fn may_be_interference(&self) -> bool {
        matches!(
            self,
            Self::Sequence { .. }
                | Self::ResponseLength(_)
                | Self::BrokenOff
                | Self::Checksum
                | Self::Refused
        )
    }
}

impl From<Error> for oath::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Device(error) => Self::Device(error),
            Error::InUse => Self::Device(device::Error::Busy),
            Error::BusyFlag | Error::NoResponse => Self::NoAnswer(error.to_string()),
            Error::ReportLength(_)
            | Error::Sequence { .. }
            | Error::ResponseLength(_)
            | Error::BrokenOff
            | Error::Checksum => Self::Malformed(error.to_string()),
            Error::Refused => Self::Unsupported("its slot is empty or not set up for HMAC-SHA1 challenges"),
            // No caller receives the error of a cancelled request.
            Error::TouchTimedOut | Error::Cancelled => Self::TouchTimedOut,
        }
    }
}
