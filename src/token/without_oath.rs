//! Why a card has no application of any family: it is an unrelated card, or a security key that does not offer one.

use super::Info;
use super::detect_model::detect_model;
use super::identity::is_serial;
use crate::device::{self, Attachment, Identity, Make, NoProgress, Transaction, make_of_card};
use crate::iso7816::{Aid, Command, Status, TooLong};
use crate::oath::{Error, SelfDescription};

/// The vendor of YubiKeys.
pub const YUBICO: &str = "Yubico";

/// The vendor of the Nitrokey 3, and its name in the historical bytes of the answer to reset, in lower case.
const NITROKEY: &str = "Nitrokey";
const NITROKEY_NAME: &[u8] = b"nitrokey";

/// The model of a key whose vendor is all that is known of it.
const SOME_KEY: &str = "security key";

/// The file with the message of the NDEF application of a YubiKey.
const NDEF_FILE: [u8; 2] = [0xe1, 0x04];

/// The message of a YubiKey that was never used over USB: a link (yubioath-flutter, `helper/helper/device.py`).
const RESTRICTED: &[u8] = b"\x00\x1f\xd1\x01\x1bU\x04yubico.com/getting-started";

/// [`Error::NfcRestricted`] for a YubiKey in that mode. Otherwise `refusal` if it does not say whether there is an application,
/// [`Error::SwitchedOff`] for a security key, and [`Error::NoApplication`] for any other card. Sends nothing to a card in a
/// reader with contacts, and selects one application on any other one.
pub(super) fn cause(card: &mut dyn Transaction, atr: &[u8], refusal: Error) -> Error {
    let is_contactless = is_contactless(atr);
    let result = if is_contactless { is_restricted(card) } else { Ok(false) };
    match (result, refusal, vendor(atr)) {
        (Err(error), _, _) => error.into(),
        (Ok(true), _, _) => Error::NfcRestricted,
        (Ok(false), Error::NoApplication, Some(vendor)) => Error::SwitchedOff { vendor, is_contactless },
        (Ok(false), refusal, _) => refusal,
    }
}

/// The vendor of a security key, as its answer to reset names it.
pub(super) fn vendor(atr: &[u8]) -> Option<&'static str> {
    match make_of_card(atr) {
        Some(Make::YubiKey | Make::YubiKeyNeo) => Some(YUBICO),
        Some(Make::CanoKey) => Some("CanoKeys"),
        Some(Make::Solo) => Some("SoloKeys"),
        None => {
            let atr = atr.to_ascii_lowercase();
            let is_named = atr.windows(NITROKEY_NAME.len()).any(|part| part == NITROKEY_NAME);
            is_named.then_some(NITROKEY)
        }
    }
}

/// The description of a key without OATH and the vendor in it, which is empty for an imitation of a YubiKey. `vendor` is that in
/// its answer to reset, and `identity` is that of its vendor's application.
pub(super) fn describe(
    attachment: &Attachment,
    transport: &'static str,
    identity: &Identity,
    vendor: &'static str,
) -> (Info, &'static str) {
    let firmware = identity.firmware.clone().unwrap_or_default();
    let description = SelfDescription { version: version(&firmware), ..SelfDescription::default() };
    let model = detect_model("", attachment, &description, Some(identity));
    let (vendor, model) = match (vendor, model.vendor) {
        (NITROKEY, _) => (NITROKEY, SOME_KEY.to_owned()),
        (_, "") => ("", SOME_KEY.to_owned()),
        (_, vendor) => (vendor, model.name),
    };
    let reader = attachment.reader.clone().unwrap_or_default();
    let place = Info::unidentified(&reader, attachment.is_virtual, transport);
    let serial = identity.serial.clone().filter(|serial| is_serial(serial)).unwrap_or_default();
    (Info { vendor: vendor.to_owned(), model, serial, firmware, ..place }, vendor)
}

/// The three numbers of a version in the form `5.4.3`.
fn version(text: &str) -> Option<[u8; 3]> {
    let parts: Vec<u8> = text.split('.').map_while(|part| part.parse().ok()).collect();
    parts.try_into().ok()
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

    const YUBIKEY: &[u8] = b"\x3b\xfd\x13\x00\x00\x81\x31\xfe\x15\x80\x73\xc0\x21\xc0WYubiKey@";
    const NEO: &[u8] = b"\x3b\xfc\x13\x00\x00\x81\x31\xfe\x15YubikeyNEOr3\xe1";
    const CANOKEY: &[u8] = b"\x3b\xf7\x11\x00\x00\x81\x31\xfe\x65Canokey\x99";
    const NITROKEY_3: &[u8] = b"\x3b\x8f\x01\x80\x5dNitrokey\x00\x00\x00\x00\x00\x6a";

    #[test]
    fn a_security_key_is_known_by_its_answer_to_reset() {
        for (atr, expected) in [
            (YUBIKEY, Some("Yubico")),
            (b"\x3b\xf8\x13\x00\x00\x81\x31\xfe\x15Yubikey4\xd4", Some("Yubico")),
            (NEO, Some("Yubico")),
            (CANOKEY, Some("CanoKeys")),
            (NITROKEY_3, Some("Nitrokey")),
            // An OpenPGP card, and none at all.
            (b"\x3b\xda\x18\xff\x81\xb1\xfe\x75\x1f\x03\x00\x31\xf5\x73\xc0\x01\x60\x00\x90\x00\x1c", None),
            (b"", None),
        ] {
            assert_eq!(vendor(atr), expected, "{atr:02x?}");
        }
    }

    #[test]
    fn a_key_without_oath_is_described_by_what_it_says_of_itself() {
        for (atr, is_yubikey, serial, firmware, expected) in [
            (YUBIKEY, Some(true), "31415926", "5.4.3", ["Yubico", "YubiKey 5", "31415926", "5.4.3"]),
            (YUBIKEY, Some(true), "0", "", ["Yubico", "YubiKey", "", ""]),
            (YUBIKEY, Some(false), "", "8.0.0", ["", "security key", "", "8.0.0"]),
            (NEO, Some(true), "7", "3.4.0", ["Yubico", "YubiKey NEO", "7", "3.4.0"]),
            (CANOKEY, None, "", "", ["CanoKeys", "CanoKey", "", ""]),
            (NITROKEY_3, None, "", "", ["Nitrokey", "security key", "", ""]),
        ] {
            let reader = std::ffi::OsString::from("Yubico YubiKey OTP+FIDO+CCID 00 00");
            let id = device::DeviceId { name: reader.clone(), insertion: 1 };
            let attachment =
                Attachment { id, is_virtual: false, reader: Some(reader), usb: None, atr: atr.to_vec() };
            let known = |text: &str| (!text.is_empty()).then(|| text.to_owned());
            let identity = Identity { serial: known(serial), firmware: known(firmware), is_yubikey };
            let of_card = vendor(atr).unwrap();
            let (info, vendor) = describe(&attachment, "pcsc", &identity, of_card);
            assert_eq!([&info.vendor, &info.model, &info.serial, &info.firmware], expected);
            assert_eq!(info.vendor, vendor);
        }
    }
}
