//! The errors of exchanges with the token.

use crate::{device, oath};

/// The error of an exchange.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The device failed.
    #[error(transparent)]
    Device(#[from] device::Error),
    /// The token works for another program, and takes no request.
    #[error("the token works for another program")]
    InUse,
    /// The session has no time left for another request.
    #[error("the token needs too long for its requests")]
    Slow,
    /// Another program used the token between two requests that belong together.
    #[error("another program uses the token at the same time")]
    Disturbed,
    /// The token does not reach its smart card.
    #[error("the token does not reach its smart card")]
    NoCard,
    /// The token was sent the PIN, and its answer was lost.
    #[error("the token did not say whether the PIN is right")]
    PinUnproven,
    /// The token took the request and stays busy.
    #[error("the token stays busy with a request")]
    StaysBusy,
    /// The token shows the response to another request only.
    #[error("the token does not respond to a request")]
    NoResponse,
    /// A report has another length than 64 bytes.
    #[error("the token sent a report of {0} bytes instead of 64")]
    ReportLength(usize),
    /// The checksum of the response is wrong.
    #[error("the checksum of the response is wrong")]
    Checksum,
    /// The token received another request than was sent.
    #[error("the token received a damaged request")]
    Damaged,
    /// The response has an unknown result, or data that make no sense.
    #[error("the token's response to command {command:#04x} has the result {result}")]
    Result {
        /// The command.
        command: u8,
        /// The result of the token.
        result: u8,
    },
    /// The code is longer than its digits.
    #[error("the code has too many digits")]
    CodeLength,
    /// The slot is empty.
    #[error("the slot is empty")]
    EmptySlot,
    /// The token requires its PIN.
    #[error("the token requires its PIN")]
    NotAuthorized,
    /// The PIN is wrong; this number of attempts is left, if it is known.
    #[error("the token refuses the PIN")]
    WrongPin(Option<u8>),
    /// The PIN is blocked.
    #[error("the PIN of the token is blocked")]
    PinBlocked,
    /// The token was given a later time before, or its clock was never set.
    #[error("the time is before that of the token's clock")]
    ClockBehind,
}

impl From<Error> for oath::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Device(error) => Self::Device(error),
            Error::InUse | Error::Disturbed | Error::NoCard => Self::Device(device::Error::Busy),
            Error::StaysBusy | Error::NoResponse | Error::Slow => Self::NoAnswer(error.to_string()),
            Error::ReportLength(_)
            | Error::Checksum
            | Error::Damaged
            | Error::Result { .. }
            | Error::CodeLength => Self::Malformed(error.to_string()),
            Error::EmptySlot => Self::NoSuchCredential,
            Error::NotAuthorized => Self::Locked,
            Error::WrongPin(left) => Self::WrongPin(left),
            Error::PinUnproven => Self::PinUnproven,
            Error::PinBlocked => Self::PinBlocked,
            Error::ClockBehind => Self::ClockBehind,
        }
    }
}
