//! Why a token didn't do as asked.

use crate::device::{self, Problem};
use crate::oath;

/// Why a token didn't do as asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It is not there any more.
    #[error("the token was removed")]
    Removed,
    /// Another program holds it, or too many requests wait for it.
    #[error("the token is busy")]
    Busy,
    /// It never answered an earlier request.
    #[error("the token doesn't answer")]
    Stuck,
    /// It wants a password first.
    #[error("the token is locked")]
    Locked,
    /// It refused the password.
    #[error("the token refused the password")]
    WrongPassword,
    /// It proved not to know the key that it asks for.
    #[error("the token doesn't know its own password")]
    Impostor,
    /// It has no such credential.
    #[error("the token has no such credential")]
    NoSuchCredential,
    /// It was not touched in time.
    #[error("the token was not touched in time")]
    TouchTimeout,
    /// It can't do this.
    #[error("the token can't do this: {0}")]
    Unsupported(&'static str),
    /// It answered something that makes no sense.
    #[error("the token's answer makes no sense: {0}")]
    Malformed(String),
    /// The smart card service is gone.
    #[error("the smart card service is not running")]
    PcscUnavailable,
    /// The smart card service refuses this user.
    #[error("the smart card service refuses access")]
    PcscDenied,
}

impl From<device::Error> for Error {
    fn from(error: device::Error) -> Self {
        match error {
            device::Error::Removed => Self::Removed,
            device::Error::Busy | device::Error::Reset => Self::Busy,
            device::Error::Transport(Problem::PcscUnavailable) => Self::PcscUnavailable,
            device::Error::Transport(Problem::PcscDenied) => Self::PcscDenied,
            device::Error::Failed(what) => Self::Malformed(what),
        }
    }
}

impl From<oath::Error> for Error {
    fn from(error: oath::Error) -> Self {
        match error {
            oath::Error::Device(error) => error.into(),
            oath::Error::NoApplication => Self::Unsupported("it has no OATH application"),
            oath::Error::Locked => Self::Locked,
            oath::Error::WrongPassword => Self::WrongPassword,
            oath::Error::Impostor => Self::Impostor,
            oath::Error::NoSuchCredential => Self::NoSuchCredential,
            oath::Error::TouchTimedOut => Self::TouchTimeout,
            oath::Error::Unsupported(what) => Self::Unsupported(what),
            oath::Error::NotOnThisFamily(_) => {
                Self::Unsupported("tokens of its family have no such operation")
            }
            oath::Error::Malformed(what) => Self::Malformed(what),
        }
    }
}
