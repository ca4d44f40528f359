//! The error of a request, and whether the code in it may be used again.

use std::time::Duration;

use super::cause::Cause;

/// The error of a request. The only text from the server is its error code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct Error {
    /// The kind of the error.
    pub kind: ErrorKind,
    /// Whether the request may have arrived.
    pub delivered: Delivered,
    /// Cognito's own error code, such as `NotAuthorizedException`: letters only, at most 64.
    pub aws_code: Option<String>,
    /// The time for which Cognito asks the client to wait.
    pub retry_after: Option<Duration>,
    /// The cause of a connection that failed.
    pub cause: Option<Cause>,
}

impl Error {
    /// The connection failed.
    pub(super) fn not_connected(cause: Cause) -> Self {
        let kind = if cause.is_tls() { ErrorKind::Tls } else { ErrorKind::Network };
        Self { cause: Some(cause), ..Self::unsent(kind) }
    }

    /// An error before the first byte was sent.
    pub(super) fn unsent(kind: ErrorKind) -> Self {
        Self { kind, delivered: Delivered::No, aws_code: None, retry_after: None, cause: None }
    }
}

/// Whether a request, and the code in it, may have arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivered {
    /// No: no byte of it was sent. The code is unspent.
    No,
    /// Possibly; the outcome is unknown. The code counts as spent.
    Unknown,
    /// Yes: Cognito answered it. The code counts as spent.
    Yes,
}

/// Classes of errors. Each text says what happened and what to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum ErrorKind {
    /// The code is not the one that Cognito expects.
    #[error(
        "Cognito does not accept this code; check that the credential belongs to this account and that the \
         clock is right"
    )]
    CodeMismatch,
    /// The code was accepted before; each code is for single use.
    #[error("this code was used before; wait for the next one")]
    CodeAlreadyUsed,
    /// The session has expired; sessions are valid for three minutes.
    #[error("the session has expired; start the sign-in again")]
    SessionExpired,
    /// The session was used before, or a newer one replaced it; each session is for single use.
    #[error("the session was used before or is unknown; start the sign-in again")]
    SessionConsumed,
    /// The access token has expired or was revoked.
    #[error("the access token has expired or was revoked; get a new one and try again")]
    TokenExpired,
    /// The access token lacks the scope for self-service.
    #[error("the access token lacks the scope aws.cognito.signin.user.admin; sign in with that scope")]
    ScopeMissing,
    /// Cognito refused for a reason without a class of its own.
    #[error("Cognito refused the access token or the session; sign in again")]
    NotAuthorized,
    /// Too many attempts failed.
    #[error("Cognito has locked this user out after failed attempts; wait for up to 15 minutes")]
    LockedOut,
    /// Cognito received too many requests from all users of the AWS account.
    #[error("Cognito receives too many requests at the moment; try again in a few seconds")]
    Throttled,
    /// Cognito had an internal error, or the response is not from Cognito.
    #[error(
        "Cognito failed and may have accepted the code; check the account, or try again with the next code"
    )]
    ServiceUnavailable,
    /// The request was sent, but no response arrived.
    #[error(
        "the answer was lost and Cognito may have accepted the code; check the account, or try again with the \
         next code"
    )]
    OutcomeUnknown,
    /// The user has no software token.
    #[error("no software token is set up for this user; enrol one first")]
    NotEnrolled,
    /// The user pool does not allow software tokens.
    #[error("software tokens are not enabled in this user pool or for this user; ask its administrator")]
    TotpNotEnabled,
    /// The state of the user does not allow the request.
    #[error("the user is unknown, unconfirmed, disabled or must reset the password; settle that first")]
    AccountState,
    /// The state of the user pool does not allow the request.
    #[error("the user pool is missing or misconfigured; check its id, its region and its settings")]
    PoolError,
    /// A firewall in front of the user pool refused.
    #[error("the user pool's firewall blocked the request; ask its administrator")]
    Blocked,
    /// Cognito, or this client, considers the request malformed.
    #[error("the request is malformed; check the credential's digits, the access token and the session")]
    InvalidParameter,
    /// Cognito refused for a reason of the pool, or for one that oathbridge does not know.
    #[error(
        "Cognito refused for a reason that only its error code explains; look up the aws-code in the result of the \
         operation"
    )]
    Rejected,
    /// Cognito was not reachable.
    #[error("Cognito is not reachable and no code was sent; check the network and the proxy")]
    Network,
    /// The server did not prove to be Cognito.
    #[error(
        "the server did not prove to be Cognito and no code was sent; check the clock and the proxy's CA file"
    )]
    Tls,
    /// The settings contradict each other or are incomplete.
    #[error(
        "the Cognito settings are not usable and no code was sent; check region, endpoint, proxy and CA file"
    )]
    Config,
}
