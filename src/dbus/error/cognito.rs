//! Refusals of Cognito, and refusals before a request to Cognito.

use super::{Error, Retry, capital};
use crate::cognito::{self, ErrorKind, Refused, Region};

impl Error {
    /// Cognito refused a code, and the clock is the reason; `skew` is Cognito's clock minus ours in seconds.
    pub fn wrong_clock(skew: f64) -> Self {
        let direction = if skew > 0.0 { "behind" } else { "ahead" };
        let seconds = skew.abs().round();
        Self::ours(
            "Cognito.CodeMismatch",
            format!(
                "Cognito did not accept the code because this computer's clock is {seconds} seconds {direction}; set the clock and try again."
            ),
        )
    }

    /// The same, but explains a refused access token by its region: the first one was asked, the second one is its own.
    pub fn of_other_region(self, regions: Option<(Region, Region)>) -> Self {
        match regions {
            Some((asked, own)) if self.name == "Cognito.NotAuthorized" => Self {
                sentence: format!(
                    "Cognito in {asked} refused the access token, whose user pool is in {own}; correct the option region or the region of the profile, or sign in again if the pool has a replica there."
                ),
                ..self
            },
            _ => self,
        }
    }

    /// The outcome of the choice of a second factor is unknown.
    pub(super) fn choice_unknown(kind: ErrorKind) -> Self {
        let (name, what) = match kind {
            ErrorKind::OutcomeUnknown => ("Cognito.OutcomeUnknown", "Cognito's answer was lost"),
            _ => ("Cognito.ServiceUnavailable", "Cognito failed"),
        };
        Self::ours(
            name,
            format!(
                "{what} after the choice of the software token; no code was sent, but the session may be used up, so start the sign-in again."
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
                "{}; pass the access token as Cognito returned it",
                capital(&refused.to_string())
            )),
            Refused::SessionShape(_) => Self::invalid(format!(
                "{}; pass the session as Cognito returned it",
                capital(&refused.to_string())
            )),
            Refused::Shape(_) => Self::invalid(format!(
                "The option {refused}; pass it as Cognito or its administrator provided it"
            )),
            Refused::WrongTokenUse => Self::invalid(capital(&refused.to_string())),
        }
    }
}

impl From<cognito::Error> for Error {
    fn from(error: cognito::Error) -> Self {
        let retry = error.retry_after.map(Retry::After);
        let plain = Self::from(error.kind);
        let Some(cause) = error.cause else { return Self { retry, ..plain } };
        let advice = cause.advice();
        let what = if cause.is_tls() {
            "The server did not prove to be Cognito"
        } else {
            "Cognito is not reachable"
        };
        Self { retry, sentence: format!("{what} because {cause}, and no code was sent; {advice}."), ..plain }
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
