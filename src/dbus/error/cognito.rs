//! What Cognito refuses, and what is refused before it is asked.

use super::{Error, Retry, capital};
use crate::cognito::{self, ErrorKind, Refused};

impl Error {
    /// A refused code, and a clock that explains it; `skew` is Cognito's clock minus ours in seconds.
    pub fn wrong_clock(skew: f64) -> Self {
        let direction = if skew > 0.0 { "behind" } else { "ahead" };
        let seconds = skew.abs().round();
        Self::ours(
            "Cognito.CodeMismatch",
            format!(
                "Cognito did not accept the code since this computer's clock is {seconds} seconds {direction}; set the clock and try again."
            ),
        )
    }

    /// Nobody knows what became of the choice of a second factor.
    pub(super) fn choice_unknown(kind: ErrorKind) -> Self {
        let (name, what) = match kind {
            ErrorKind::OutcomeUnknown => ("Cognito.OutcomeUnknown", "Cognito's answer was lost"),
            _ => ("Cognito.ServiceUnavailable", "Cognito failed"),
        };
        Self::ours(
            name,
            format!(
                "{what} when the software token was chosen, and no code was sent; the session may be used up, so start the sign-in again."
            ),
        )
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::ScopeMissing => ErrorKind::ScopeMissing.into(),
            Refused::TokenExpired => ErrorKind::TokenExpired.into(),
            Refused::NotAToken(_) => Self::invalid(format!(
                "{}; pass the access token as Cognito gave it",
                capital(&refused.to_string())
            )),
            Refused::SessionShape(_) => Self::invalid(format!(
                "{}; pass the session as Cognito gave it",
                capital(&refused.to_string())
            )),
            Refused::Shape(_) => Self::invalid(format!(
                "The option {refused}; pass it as Cognito or its administrator gave it"
            )),
            Refused::WrongTokenUse => Self::invalid(capital(&refused.to_string())),
        }
    }
}

impl From<cognito::Error> for Error {
    fn from(error: cognito::Error) -> Self {
        let retry = error.retry_after.map(Retry::After);
        Self { retry, ..error.kind.into() }
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        let name = match kind {
            ErrorKind::CodeMismatch => "Cognito.CodeMismatch",
            ErrorKind::CodeAlreadyUsed => "Cognito.CodeAlreadyUsed",
            ErrorKind::SessionExpired => "Cognito.SessionExpired",
            ErrorKind::SessionConsumed => "Cognito.SessionConsumed",
            ErrorKind::TokenExpired => "Cognito.TokenExpired",
            ErrorKind::ScopeMissing => "Cognito.ScopeMissing",
            ErrorKind::NotAuthorized => "Cognito.NotAuthorized",
            ErrorKind::LockedOut => "Cognito.LockedOut",
            ErrorKind::Throttled => "Cognito.Throttled",
            ErrorKind::ServiceUnavailable => "Cognito.ServiceUnavailable",
            ErrorKind::OutcomeUnknown => "Cognito.OutcomeUnknown",
            ErrorKind::NotEnrolled => "Cognito.NotEnrolled",
            ErrorKind::TotpNotEnabled => "Cognito.TotpNotEnabled",
            ErrorKind::AccountState => "Cognito.AccountState",
            ErrorKind::PoolError => "Cognito.PoolError",
            ErrorKind::Blocked => "Cognito.Blocked",
            ErrorKind::InvalidParameter => "Cognito.InvalidParameter",
            ErrorKind::Rejected => "Cognito.Rejected",
            ErrorKind::Network => "Network",
            ErrorKind::Tls => "Tls",
            ErrorKind::Config => "Config",
        };
        Self::ours(name, format!("{}.", capital(&kind.to_string())))
    }
}
