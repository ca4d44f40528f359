//! The errors of exchanges with the key.

use crate::device;

/// The error of an exchange.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The device failed.
    #[error(transparent)]
    Device(#[from] device::Error),
    /// The key stays busy with the request of another program.
    #[error("the key stays busy with the request of another program")]
    Busy,
    /// Another program ended the request, which must not be repeated.
    #[error("another program ended the request to the key")]
    Interrupted,
    /// The key sent no report.
    #[error("the key sends no response")]
    Silence,
    /// The key sent reports, but all for channels of other programs.
    #[error("the key sends reports for other programs only")]
    OtherChannels,
    /// The key sent reports for other programs without end.
    #[error("the key floods its channels with reports for other programs")]
    Flood,
    /// The response broke off.
    #[error("the response of the key broke off")]
    BrokenOff,
    /// A report has another length than 64 bytes.
    #[error("the key sent a report of {0} bytes instead of 64")]
    ReportLength(usize),
    /// A report of the response came out of order.
    #[error("the key sent report {received} of the response instead of report {expected}")]
    Sequence {
        /// The number of the next report.
        expected: u8,
        /// The number of the received report.
        received: u8,
    },
    /// The response or the request has an impossible length.
    #[error("a message to or from the key has the impossible length of {0} bytes")]
    Length(usize),
    /// The response belongs to another command.
    #[error("the key answered with the command {0:02X} instead of 70")]
    UnexpectedCommand(u8),
    /// The key does not know the command: it has no secrets application.
    #[error("the key has no secrets application")]
    UnknownCommand,
    /// The key has refused the message with this error code (CTAP 2.1 §11.2.9.1.6).
    #[error("the key refuses the message with error {0:02X}")]
    Refused(u8),
    /// The response to the allocation of a channel is invalid.
    #[error("the key did not give a channel")]
    NoChannel,
    /// The caller has left.
    #[error("the request was cancelled")]
    Cancelled,
    /// The system provides no random numbers.
    #[error("the system provides no random numbers")]
    NoRandomNumbers,
}

impl From<Error> for device::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Device(error) => error,
            Error::Busy | Error::Interrupted => Self::Busy,
            Error::Silence | Error::OtherChannels | Error::Flood | Error::BrokenOff => {
                Self::NoAnswer(error.to_string())
            }
            error => Self::Failed(error.to_string()),
        }
    }
}
