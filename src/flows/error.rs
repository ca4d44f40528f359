//! The errors of flows.

use std::time::Duration;

use crate::operations::Cancellation;
use crate::registry::Missing;
use crate::{cognito, guard, keyring, token};

/// The error of a flow.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// The credential was not found.
    #[error("the credential was not found")]
    Missing(Missing),
    /// No attached credential matches the profile's issuer, account and token.
    #[error("no attached token has the credential of the profile")]
    NoMatch {
        /// A locked token may have it.
        locked: bool,
        /// What the profile names, such as `issuer "AWS", account "alice"`.
        wanted: String,
    },
    /// A rule of the configuration does not let the caller use the credential.
    #[error("the caller may not use the credential")]
    Forbidden,
    /// The administrator's policy requires a touch, and the token does not tell that the credential requires one.
    #[error("the policy requires a credential with touch")]
    NoTouch,
    /// More than one credential matches.
    #[error("{0} credentials match")]
    Ambiguous(usize),
    /// Neither the credential nor its token is named.
    #[error("no credential is named")]
    Unnamed,
    /// Only the device name identifies the credential, and no attached token has that name.
    #[error("no attached token has the device name of Cognito")]
    OtherDevice,
    /// The credential does not support the request; the reason is part of a sentence.
    #[error("{0}")]
    Unsupported(String),
    /// The request would use up a value of a counter, and the caller did not confirm that.
    #[error("the request would use up a value of the counter")]
    CounterNotConfirmed,
    /// An argument is invalid; the reason is part of a sentence.
    #[error("{0}")]
    InvalidArgument(String),
    /// The token requires a touch, and the caller does not allow asking a person.
    #[error("the token requires a touch")]
    TouchRequired,
    /// The token failed.
    #[error(transparent)]
    Token(#[from] token::Error),
    /// The time step was submitted before, and the next one starts too late for this request.
    #[error("the time step is spent")]
    StepSpent {
        /// The start of the next one, in Unix time.
        opens: Duration,
    },
    /// The single-use record is not usable.
    #[error("the single-use record is not usable: {0}")]
    StateUnavailable(guard::Unavailable),
    /// The request was cancelled before anything was sent.
    #[error("the request was cancelled")]
    Cancelled(Cancellation),
    /// The deadline passed before anything was sent.
    #[error("the deadline has passed")]
    Timeout,
    /// Too many codes of this credential were refused.
    #[error("too many codes were refused")]
    RateLimited {
        /// The time until the next attempt is allowed.
        wait: Duration,
    },
    /// The token refused too many passwords.
    #[error("the token refused too many passwords")]
    PasswordTries {
        /// The time until the next attempt is allowed.
        wait: Duration,
    },
    /// The token is unlocked, but its key was not stored.
    #[error("the key was not stored: {0}")]
    NotRemembered(keyring::Error),
    /// An argument for Cognito was refused before it was sent.
    #[error(transparent)]
    Refused(#[from] cognito::Refused),
    /// The outcome of the choice of a second factor is unknown. It may have used up the session, but contained no code.
    #[error("the choice of the second factor may have arrived")]
    ChoiceUnknown(cognito::Error),
    /// Cognito, or the connection to it, failed.
    #[error(transparent)]
    Cognito(#[from] cognito::Error),
}

impl From<Cancellation> for Error {
    fn from(why: Cancellation) -> Self {
        Self::Cancelled(why)
    }
}

impl From<Missing> for Error {
    fn from(missing: Missing) -> Self {
        Self::Missing(missing)
    }
}
