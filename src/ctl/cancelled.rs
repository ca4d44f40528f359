//! The outcome of a call of `Cancel`.

use serde::Serialize;
use zbus::fdo;

use super::Failure;

/// The outcome of a cancellation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Cancelled {
    /// The request is cancelled, and no code was sent.
    NothingSent,
    /// A code was already sent; nothing more is sent.
    Sent,
    /// The request had already ended.
    Ended,
}

impl Cancelled {
    pub(super) fn sentence(self) -> &'static str {
        match self {
            Self::NothingSent => "Cancelled; no code was sent.",
            Self::Sent => "A code was already sent and cannot be taken back; nothing more is sent.",
            Self::Ended => "The request had already ended; there was nothing to cancel.",
        }
    }

    /// The outcome of a call of `Cancel`. A request without an object has ended.
    pub(super) fn of(answer: zbus::Result<Self>) -> Result<Self, Failure> {
        match answer {
            Err(error) if matches!(error.clone().into(), fdo::Error::UnknownObject(_)) => Ok(Self::Ended),
            answer => Ok(answer?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cancelling_a_request_that_has_ended_succeeds() {
        let gone = fdo::Error::UnknownObject("There is no such object.".to_owned());
        assert_eq!(Cancelled::of(Err(gone.into())), Ok(Cancelled::Ended));
        let denied = fdo::Error::AccessDenied("No.".to_owned());
        assert!(Cancelled::of(Err(denied.into())).is_err());
    }
}
