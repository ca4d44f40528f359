//! Converts PC/SC errors.

use std::path::Path;

use pcsc::Error as Pcsc;

use super::places;
use crate::device::{Error, Problem};

pub(super) fn from_pcsc(error: Pcsc) -> Error {
    match error {
        Pcsc::SharingViolation => Error::Busy,
        Pcsc::ResetCard => Error::Reset,
        // A transmission ends with NotTransacted if the card is pulled out during it.
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

/// Whether the service has stopped or was restarted, which invalidates all earlier handles and contexts.
pub(super) fn service_is_gone(error: Pcsc) -> bool {
    matches!(
        error,
        Pcsc::NoService | Pcsc::ServiceStopped | Pcsc::CommError | Pcsc::InvalidHandle | Pcsc::Shutdown
    )
}

/// Converts an error of establishing a context with the service at this socket.
pub(super) fn refusal(error: Pcsc, socket: &Path) -> Problem {
    match error {
        // Only this answer of pcscd to the version of the library's protocol has this error here.
        Pcsc::ServiceStopped => Problem::PcscVersion,
        // pcscd closes a connection beyond its limit without an answer. The error depends on the moment.
        Pcsc::SecurityViolation | Pcsc::NoService | Pcsc::CommError if places::are_taken(socket) => {
            Problem::PcscFull
        }
        error => problem(error),
    }
}

/// Converts an error that ends a connection.
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
    fn observed_errors_are_converted() {
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
    fn refused_access_differs_from_a_missing_service() {
        assert_eq!(problem(Pcsc::SecurityViolation), Problem::PcscDenied);
        assert_eq!(problem(Pcsc::NoService), Problem::PcscUnavailable);
    }
}
