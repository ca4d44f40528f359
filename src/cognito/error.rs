//! What went wrong with a request, and whether the code in it may be used again.

use std::time::Duration;

/// A failed request. It holds nothing that the server wrote but its error code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct Error {
    /// What happened.
    pub kind: ErrorKind,
    /// Whether the request can have arrived.
    pub delivered: Delivered,
    /// Cognito's own name for it, such as `NotAuthorizedException`: letters only, 64 at most.
    pub aws_code: Option<String>,
    /// How long Cognito wants to be left alone.
    pub retry_after: Option<Duration>,
}

impl Error {
    /// A failure before the first byte left.
    pub(super) fn unsent(kind: ErrorKind) -> Self {
        Self { kind, delivered: Delivered::No, aws_code: None, retry_after: None }
    }
}

/// Whether a request, and the code in it, can have arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivered {
    /// Certainly not: no byte of it left. The code is unspent.
    No,
    /// Perhaps, and its effect is unknown. The code counts as spent.
    Unknown,
    /// Cognito answered it. The code counts as spent.
    Yes,
}

/// Classes of failure; each says what happened and what to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum ErrorKind {
    /// The code isn't the one Cognito expects.
    #[error(
        "Cognito does not accept this code; check that the credential belongs to this account and that the \
         clock is right"
    )]
    CodeMismatch,
    /// Single use: the code was accepted before.
    #[error("this code was used before; wait for the next one")]
    CodeAlreadyUsed,
    /// Sessions live for three minutes.
    #[error("the session has expired; start the sign-in again")]
    SessionExpired,
    /// Single use: the session was used before, or a newer one replaced it.
    #[error("the session was used before or is unknown; start the sign-in again")]
    SessionConsumed,
    /// The access token has expired or was revoked.
    #[error("the access token has expired or was revoked; get a new one and try again")]
    TokenExpired,
    /// The access token doesn't allow self-service.
    #[error("the access token lacks the scope aws.cognito.signin.user.admin; sign in with that scope")]
    ScopeMissing,
    /// Refused for a reason that isn't one of the others.
    #[error("Cognito refuses the access token or the session; sign in again")]
    NotAuthorized,
    /// Too many failed attempts.
    #[error("Cognito has locked this user out after failed attempts; wait, 15 minutes at most")]
    LockedOut,
    /// Too many requests of all users of the account.
    #[error("Cognito gets too many requests at the moment; try again in a few seconds")]
    Throttled,
    /// An internal error, or a reply that isn't Cognito's.
    #[error(
        "Cognito failed and may have taken the code all the same; check the account, or try again with the \
         next code"
    )]
    ServiceUnavailable,
    /// The request left and no answer came.
    #[error(
        "the answer was lost and Cognito may have taken the code; check the account, or try again with the \
         next code"
    )]
    OutcomeUnknown,
    /// The user has no software token.
    #[error("no software token is set up for this user; enrol one first")]
    NotEnrolled,
    /// The user pool has no software tokens.
    #[error("software tokens are not enabled in this user pool or for this user; ask its administrator")]
    TotpNotEnabled,
    /// The user can't act at present.
    #[error("the user is unknown, unconfirmed, disabled or has to reset the password; settle that first")]
    AccountState,
    /// The user pool can't act at present.
    #[error("the user pool is missing or misconfigured; check its id, its region and its settings")]
    PoolError,
    /// A firewall in front of the user pool refused.
    #[error("the user pool's firewall blocked the request; ask its administrator")]
    Blocked,
    /// Cognito, or this client, found the request malformed.
    #[error("the request is malformed; check the credential's digits, the access token and the session")]
    InvalidParameter,
    /// Cognito refused for a reason of the pool's own, or for one that isn't known here.
    #[error(
        "Cognito refused for a reason that only its error code tells; look up the aws-code that GetResult has"
    )]
    Rejected,
    /// Cognito couldn't be reached.
    #[error("Cognito could not be reached and no code was sent; check the network and the proxy")]
    Network,
    /// Whoever answered couldn't prove to be Cognito.
    #[error("no secure connection to Cognito and no code was sent; check the clock and the proxy's CA file")]
    Tls,
    /// The settings contradict each other or are incomplete.
    #[error(
        "the Cognito settings are unusable and no code was sent; check region, endpoint, proxy and CA file"
    )]
    Config,
}
