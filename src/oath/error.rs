//! Why a session of any family failed.

use crate::device;

/// Why a session or a request in it failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The exchange with the device failed.
    #[error(transparent)]
    Device(#[from] device::Error),
    /// The device does not speak this family's protocol.
    #[error("the device has no OATH application")]
    NoApplication,
    /// The token requires its password or PIN first.
    #[error("the token is locked")]
    Locked,
    /// The token refused the password or PIN; the session can't be used any more.
    #[error("the token refuses the password")]
    WrongPassword,
    /// The token accepted the password but could not prove that it knows it.
    #[error("the token doesn't know its own password")]
    Impostor,
    /// The token has no credential of this name.
    #[error("the token has no such credential")]
    NoSuchCredential,
    /// The touch did not come in time.
    #[error("the token was not touched in time")]
    TouchTimedOut,
    /// This token or this credential can't do what was requested.
    #[error("{0}")]
    Unsupported(&'static str),
    /// No token of this family has the operation.
    #[error("tokens of this family have no {0}")]
    NotOnThisFamily(&'static str),
    /// The token's answer makes no sense.
    #[error("{0}")]
    Malformed(String),
}
