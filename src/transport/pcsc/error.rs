//! From PC/SC's words to ours.

use pcsc::Error as Pcsc;

use crate::device::{Error, Problem};

pub(super) fn from_pcsc(error: Pcsc) -> Error {
    match error {
        Pcsc::SharingViolation => Error::Busy,
        Pcsc::ResetCard => Error::Reset,
        // NotTransacted is what a transmission ends with when the card has just been torn out.
        Pcsc::RemovedCard
        | Pcsc::NoSmartcard
        | Pcsc::UnknownReader
        | Pcsc::ReaderUnavailable
        | Pcsc::NotTransacted => Error::Removed,
        Pcsc::SecurityViolation => Problem::PcscDenied.into(),
        error if service_is_gone(error) => Problem::PcscUnavailable.into(),
        error => Error::Failed(format!("PC/SC: {error} ({:08X})", error as u32)),
    }
}

/// The service died, stopped or restarted; handles and contexts from before are of no use any more.
pub(super) fn service_is_gone(error: Pcsc) -> bool {
    matches!(
        error,
        Pcsc::NoService | Pcsc::ServiceStopped | Pcsc::CommError | Pcsc::InvalidHandle | Pcsc::Shutdown
    )
}

/// Why there is no context. Too many contexts in the service look like a refusal, too.
pub(super) fn problem(error: Pcsc) -> Problem {
    match error {
        Pcsc::SecurityViolation => Problem::PcscDenied,
        _ => Problem::PcscUnavailable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_that_was_observed_has_its_meaning() {
        for (error, expected) in [
            (Pcsc::SharingViolation, Error::Busy),
            (Pcsc::ResetCard, Error::Reset),
            (Pcsc::RemovedCard, Error::Removed),
            (Pcsc::NoSmartcard, Error::Removed),
            (Pcsc::UnknownReader, Error::Removed),
            (Pcsc::ReaderUnavailable, Error::Removed),
            (Pcsc::NotTransacted, Error::Removed),
            (Pcsc::SecurityViolation, Error::Transport(Problem::PcscDenied)),
            (Pcsc::NoService, Error::Transport(Problem::PcscUnavailable)),
            (Pcsc::ServiceStopped, Error::Transport(Problem::PcscUnavailable)),
            (Pcsc::CommError, Error::Transport(Problem::PcscUnavailable)),
            (Pcsc::InvalidHandle, Error::Transport(Problem::PcscUnavailable)),
            (Pcsc::Shutdown, Error::Transport(Problem::PcscUnavailable)),
        ] {
            assert_eq!(from_pcsc(error), expected, "{error:?}");
        }
        let Error::Failed(text) = from_pcsc(Pcsc::ProtoMismatch) else { panic!("not Failed") };
        assert!(text.ends_with("(8010000F)"), "{text}");
    }

    #[test]
    fn a_refusal_is_no_absence() {
        assert_eq!(problem(Pcsc::SecurityViolation), Problem::PcscDenied);
        assert_eq!(problem(Pcsc::NoService), Problem::PcscUnavailable);
    }
}
