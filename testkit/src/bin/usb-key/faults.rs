//! The faults of each family, by the words on standard input.

use oathbridge::virt::{FidoFault, NitrokeyProFault, OtpFault, Token2Fault};

/// The error code of a busy Nitrokey 3.
const BUSY: u8 = 0;

/// A fault of the next request to a slot.
pub(super) fn otp(word: &str, number: Option<usize>) -> Option<OtpFault> {
    Some(match (word, number) {
        ("busy", None) => OtpFault::Busy,
        ("stall", None) => OtpFault::Stall,
        ("checksum", None) => OtpFault::Checksum,
        ("sequence", None) => OtpFault::Sequence,
        ("stranger", None) => OtpFault::Interference,
        ("length", Some(bytes)) => OtpFault::ReportLength(bytes),
        ("vanish", None) => OtpFault::Vanish,
        _ => return None,
    })
}

/// A fault of the next request to a Nitrokey 3.
pub(super) fn fido(word: &str, number: Option<usize>) -> Option<FidoFault> {
    Some(match (word, number) {
        ("busy", None) => FidoFault::Error(BUSY),
        ("stall", None) => FidoFault::Stall,
        ("sequence", None) => FidoFault::Sequence,
        ("stranger", None) => FidoFault::Stranger,
        ("length", Some(bytes)) => FidoFault::ReportLength(bytes),
        ("flood", Some(reports)) => FidoFault::Flood(reports),
        ("stream", Some(reports)) => FidoFault::Stream(reports),
        ("vanish", None) => FidoFault::Vanish,
        _ => return None,
    })
}

/// A fault of the next request to a Nitrokey Pro.
pub(super) fn nitrokey_pro(word: &str, number: Option<usize>) -> Option<NitrokeyProFault> {
    Some(match (word, number) {
        ("busy", None) => NitrokeyProFault::Busy,
        ("stall", None) => NitrokeyProFault::Drop,
        ("checksum", None) => NitrokeyProFault::Checksum,
        ("damage", None) => NitrokeyProFault::Damage,
        ("stranger", None) => NitrokeyProFault::Interference,
        ("length", Some(bytes)) => NitrokeyProFault::ReportLength(bytes),
        ("vanish", None) => NitrokeyProFault::Vanish,
        _ => return None,
    })
}

/// A fault of the next command to a Token2 key.
pub(super) fn token2(word: &str, number: Option<usize>) -> Option<Token2Fault> {
    Some(match (word, number) {
        ("busy", None) => Token2Fault::StaysBusy,
        ("busy", Some(reports)) => Token2Fault::Busy(reports),
        ("stall", None) => Token2Fault::Stall,
        ("sequence", None) => Token2Fault::Sequence,
        ("length", Some(bytes)) => Token2Fault::ReportLength(bytes),
        ("flood", Some(reports)) => Token2Fault::Flood(reports),
        ("stream", Some(reports)) => Token2Fault::Stream(reports),
        ("vanish", None) => Token2Fault::Vanish,
        _ => return None,
    })
}
