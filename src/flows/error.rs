//! Why a flow ended without what was asked for.

use std::time::Duration;

use crate::operations::Cancellation;
use crate::registry::Missing;
use crate::{cognito, guard, token};

/// Why a flow ended without what was asked for.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// The credential can't be found.
    #[error("the credential can't be found")]
    Missing(Missing),
    /// Nothing attached matches the profile's issuer, account and token.
    #[error("no attached token has the credential of the profile")]
    NoMatch {
        /// A locked token might have it.
        locked: bool,
    },
    /// More than one credential matches.
    #[error("{0} credentials match")]
    Ambiguous(usize),
    /// Nothing says which credential is meant: there is no name of it, and none of its token.
    #[error("no credential is named")]
    Unnamed,
    /// Nothing but the token's name says which credential is meant, and no attached token has it.
    #[error("no attached token has the name that Cognito knows")]
    OtherDevice,
    /// The credential, or what is asked of it, can't be served; the reason is part of a sentence.
    #[error("{0}")]
    Unsupported(String),
    /// A counter would be used up, and the caller didn't say that it may be.
    #[error("a counter would be used up")]
    CounterNotConfirmed,
    /// An argument makes no sense; the reason is part of a sentence.
    #[error("{0}")]
    InvalidArgument(String),
    /// A touch is needed, and the caller wants nobody to be asked.
    #[error("a touch is needed")]
    TouchRequired,
    /// The token failed.
    #[error(transparent)]
    Token(#[from] token::Error),
    /// The time step was submitted before, and the next one opens too late for this request.
    #[error("the time step is spent")]
    StepSpent {
        /// When the next one opens, in Unix time.
        opens: Duration,
    },
    /// The record of spent steps can't be used.
    #[error("the single-use record can't be used: {0}")]
    StateUnavailable(guard::Unavailable),
    /// It was ended early, before anything was sent.
    #[error("it was cancelled")]
    Cancelled(Cancellation),
    /// The deadline came before anything was sent.
    #[error("the deadline came first")]
    Timeout,
    /// Too many codes of this credential were refused.
    #[error("too many codes were refused")]
    RateLimited {
        /// How long to wait.
        wait: Duration,
    },
    /// The request can't be made.
    #[error(transparent)]
    Refused(#[from] cognito::Refused),
    /// Nobody knows what became of the choice of a second factor, which used a session up and carried no code.
    #[error("the choice of the second factor may have arrived")]
    ChoiceUnknown(cognito::Error),
    /// Cognito, or the way to it, failed.
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
