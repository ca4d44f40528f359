//! Why a card has no application of any family: it is an unrelated card, or a security key that does not offer one.

use crate::device::{self, NoProgress, Transaction};
use crate::iso7816::{Aid, Command, Status, TooLong};
use crate::oath::Error;

/// The vendor of YubiKeys.
pub const YUBICO: &str = "Yubico";

/// The words in the historical bytes of the answer to reset, in lower case, and the vendors of such keys.
const VENDORS: [(&[u8], &str); 3] =
    [(b"yubikey", YUBICO), (b"nitrokey", "Nitrokey"), (b"canokey", "CanoKeys")];

/// The file with the message of the NDEF application of a YubiKey.
const NDEF_FILE: [u8; 2] = [0xe1, 0x04];

/// The message of a YubiKey that was never used over USB: a link (yubioath-flutter, `helper/helper/device.py`).
const RESTRICTED: &[u8] = b"\x00\x1f\xd1\x01\x1bU\x04yubico.com/getting-started";

/// [`Error::SwitchedOff`] for a security key, [`Error::NfcRestricted`] for a YubiKey in that mode, and otherwise
/// [`Error::NoApplication`]. Sends nothing to a card in a reader with contacts, and selects one application on any other one.
pub(super) fn cause(card: &mut dyn Transaction) -> Error {
    let vendor = vendor(card.answer_to_reset());
    let result = match is_contactless(card.answer_to_reset()) {
        true => is_restricted(card),
        false => Ok(false),
    };
    match (result, vendor) {
        (Err(error), _) => error.into(),
        (Ok(true), _) => Error::NfcRestricted,
        (Ok(false), Some(vendor)) => Error::SwitchedOff(vendor),
        (Ok(false), None) => Error::NoApplication,
    }
}

/// The vendor of a security key.
fn vendor(atr: &[u8]) -> Option<&'static str> {
    let atr = atr.to_ascii_lowercase();
    let is_in = |word: &[u8]| atr.windows(word.len()).any(|part| part == word);
    VENDORS.into_iter().find(|(word, _)| is_in(word)).map(|(_, vendor)| vendor)
}

/// Whether the answer to reset is one that a contactless reader makes up (PC/SC, part 3, section 3.1.3.2.3).
fn is_contactless(atr: &[u8]) -> bool {
    matches!(atr, [0x3b, 0x80..=0x8f, 0x80, 0x01, ..])
}

fn is_restricted(card: &mut dyn Transaction) -> Result<bool, device::Error> {
    let read = |file: Command| [Aid::NDEF.select(), file, Command::bare(0xb0, 0x00, 0x00)];
    let Ok(commands) = select_file().map(read) else { return Ok(false) };
    for command in &commands {
        let response = card.transmit(command, &NoProgress)?;
        if response.status != Status::OK {
            return Ok(false);
        }
        if response.data.starts_with(RESTRICTED) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// SELECT of a file by its identifier, without a response.
fn select_file() -> Result<Command, TooLong> {
    Ok(Command::new(0xa4, 0x00, 0x0c, NDEF_FILE.to_vec())?.with_le(None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_security_key_is_known_by_its_answer_to_reset() {
        for (atr, expected) in [
            (&b"\x3b\xfd\x13\x00\x00\x81\x31\xfe\x15\x80\x73\xc0\x21\xc0WYubiKey@"[..], Some("Yubico")),
            (b"\x3b\xf8\x13\x00\x00\x81\x31\xfe\x15Yubikey4\xd4", Some("Yubico")),
            (b"\x3b\xfc\x13\x00\x00\x81\x31\xfe\x15YubikeyNEOr3\xe1", Some("Yubico")),
            (b"\x3b\xf7\x11\x00\x00\x81\x31\xfe\x65Canokey\x99", Some("CanoKeys")),
            // An OpenPGP card, and none at all.
            (b"\x3b\xda\x18\xff\x81\xb1\xfe\x75\x1f\x03\x00\x31\xf5\x73\xc0\x01\x60\x00\x90\x00\x1c", None),
            (b"", None),
        ] {
            assert_eq!(vendor(atr), expected, "{atr:02x?}");
        }
    }
}
