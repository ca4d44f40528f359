//! Reads the serial number and firmware version of a YubiKey from its Management application or from its OTP application.
//!
//! A YubiKey NEO is asked through OTP alone: it has no Management application over NFC, and after its selection over USB it
//! gets stuck. An imitation may have the answer to reset of a YubiKey and the same application. Its version text is nothing
//! but a version.
//!
//! Source: yubikey-manager's `yubikit/management.py` and `yubikit/yubiotp.py`.

use std::str;

use crate::device::{Attachment, Device, Identity, Make, NoProgress};
use crate::iso7816::{Aid, Command, Status, tlv};

/// READ CONFIG of the Management application: the length in one byte, then elements. YubiKeys before 4.1 lack it.
const READ_CONFIG: Command = Command::bare(0x1d, 0x00, 0x00);
/// The elements of the configuration: the serial number, four bytes, big-endian; and the firmware version, three bytes.
const SERIAL: u8 = 0x02;
const VERSION: u8 = 0x05;
/// The device serial number of the OTP application: four bytes, big-endian.
const OTP_GET_SERIAL: Command = Command::bare(0x01, 0x10, 0x00);

/// The begin of a YubiKey's version text, which ends with the version.
const YUBIKEY_TEXT: &[u8] = b"Virtual mgr";

/// The make of a card that may be a YubiKey. The commands are sent to no other card.
pub(super) fn yubikey(attachment: &Attachment) -> Option<Make> {
    attachment.make().filter(|make| matches!(make, Make::YubiKey | Make::YubiKeyNeo))
}

/// Reads the identity; `None` if there is neither a Management nor an OTP application.
///
/// Selects applications, which deselects those of other programs.
pub(super) fn read(device: &mut dyn Device, make: Make) -> Option<Identity> {
    let mut transaction = device.transaction().ok()?;
    let mut ask = |command: &Command| {
        let response = transaction.transmit(command, &NoProgress).ok()?;
        (response.status == Status::OK).then(|| response.data.clone())
    };
    let text = if make == Make::YubiKeyNeo { None } else { ask(&Aid::MANAGEMENT.select()) };
    let Some(text) = text else { return from_otp(&mut ask) };
    let is_yubikey = is_yubikey_text(&text);
    let configuration = ask(&READ_CONFIG).unwrap_or_default();
    let mut serial = element(&configuration, SERIAL).and_then(number).map(|serial| serial.to_string());
    if serial.is_none() && is_yubikey != Some(false) {
        serial = from_otp(&mut ask).and_then(|identity| identity.serial);
    }
    let firmware = element(&configuration, VERSION).and_then(|bytes| bytes.first_chunk()).map(version);
    Some(Identity { serial, firmware: firmware.or_else(|| version_in(&text)), is_yubikey })
}

/// The identity from the OTP application, whose response to SELECT begins with the firmware version.
fn from_otp(ask: &mut impl FnMut(&Command) -> Option<Vec<u8>>) -> Option<Identity> {
    let status = ask(&Aid::OTP.select())?;
    let serial = ask(&OTP_GET_SERIAL).as_deref().and_then(number);
    Some(Identity {
        serial: serial.map(|serial| serial.to_string()),
        firmware: status.first_chunk().map(version),
        is_yubikey: None,
    })
}

/// Whether this version text is that of a YubiKey. `None` if it is neither that nor that of a known imitation.
fn is_yubikey_text(text: &[u8]) -> Option<bool> {
    if text.starts_with(YUBIKEY_TEXT) {
        return Some(true);
    }
    let is_version = version_in(text).is_some_and(|version| version.as_bytes() == text);
    is_version.then_some(false)
}

fn version([major, minor, patch]: &[u8; 3]) -> String {
    format!("{major}.{minor}.{patch}")
}

/// The value of an element of the configuration.
fn element(configuration: &[u8], tag: u8) -> Option<&[u8]> {
    let elements = tlv::read(configuration.get(1..)?);
    elements.flatten().find(|element| element.tag == tag).map(|element| element.value)
}

fn number(value: &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(value.try_into().ok()?))
}

/// The version at the end of the version text.
fn version_in(text: &[u8]) -> Option<String> {
    let version = str::from_utf8(text).ok()?.rsplit(' ').next()?;
    let parts: Vec<_> = version.split('.').map(str::parse::<u8>).collect();
    matches!(parts.as_slice(), [Ok(_), Ok(_), Ok(_)]).then(|| version.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::{DeviceId, Error, Progress, Transaction};
    use crate::iso7816::Response;

    /// A YubiKey with a response for each known instruction, and `6D00` for others.
    struct Key(&'static [(u8, &'static [u8])]);

    impl Device for Key {
        fn transaction(&mut self) -> Result<Box<dyn Transaction + '_>, Error> {
            Ok(Box::new(Exchange(self.0)))
        }
    }

    struct Exchange(&'static [(u8, &'static [u8])]);

    impl Transaction for Exchange {
        fn transmit(&mut self, command: &Command, _: &dyn Progress) -> Result<Response, Error> {
            let known = self.0.iter().find(|(instruction, _)| *instruction == command.instruction());
            let answer = known.map_or(&[0x6d, 0x00][..], |(_, answer)| answer);
            Response::from_bytes(answer).map_err(|_| Error::Removed)
        }
    }

    fn identity(answers: &'static [(u8, &'static [u8])]) -> Option<Identity> {
        read(&mut Key(answers), Make::YubiKey)
    }

    fn expected(
        serial: Option<&str>,
        firmware: Option<&str>,
        is_yubikey: impl Into<Option<bool>>,
    ) -> Option<Identity> {
        let (serial, firmware) = (serial.map(str::to_owned), firmware.map(str::to_owned));
        Some(Identity { serial, firmware, is_yubikey: is_yubikey.into() })
    }

    #[test]
    fn only_cards_that_may_be_yubikeys_are_asked() {
        for (reader, atr, is_asked) in [
            ("Yubico YubiKey OTP+FIDO+CCID 00 00", &b""[..], true),
            ("ACS ACR122U PICC Interface 00 00", b"\x3b\x8d\x80\x01\x80YubiKey\xf9", true),
            ("Yubico YubiKey OTP+FIDO+CCID 00 00", b"\x3b\xf7\x11Canokey\x99", false),
            ("Nitrokey 3 [CCID/ICCD Interface] 00 00", b"", false),
        ] {
            let id = DeviceId { name: reader.into(), insertion: 1 };
            let (reader, atr) = (Some(reader.into()), atr.to_vec());
            let attachment = Attachment { id, is_virtual: false, reader, usb: None, atr };
            assert_eq!(yubikey(&attachment).is_some(), is_asked, "{attachment:?}");
        }
    }

    #[test]
    fn a_yubikey_answers_in_its_configuration_and_older_ones_through_otp() {
        let five = identity(&[
            (0xa4, b"Virtual mgr - FW version 5.4.3\x90\x00"),
            (0x1d, b"\x0b\x02\x04\x00\xbc\x61\x4e\x05\x03\x05\x04\x03\x90\x00"),
        ]);
        assert_eq!(five, expected(Some("12345678"), Some("5.4.3"), true));
        let four = identity(&[
            (0xa4, b"Virtual mgr - FW version 4.3.7\x90\x00"),
            (0x1d, b"\x06\x02\x04\x00\x00\x01\x00\x90\x00"),
        ]);
        assert_eq!(four, expected(Some("256"), Some("4.3.7"), true));
        let old = identity(&[
            (0xa4, b"Virtual mgr - FW version 4.0.9\x90\x00"),
            (0x01, b"\x00\x00\x01\x00\x90\x00"),
        ]);
        assert_eq!(old, expected(Some("256"), Some("4.0.9"), true));
    }

    /// A key without a Management application that notes the applications that were selected.
    #[derive(Default)]
    struct OtpOnly(Vec<Vec<u8>>);

    impl Device for OtpOnly {
        fn transaction(&mut self) -> Result<Box<dyn Transaction + '_>, Error> {
            Ok(Box::new(OtpExchange(&mut self.0)))
        }
    }

    struct OtpExchange<'d>(&'d mut Vec<Vec<u8>>);

    impl Transaction for OtpExchange<'_> {
        fn transmit(&mut self, command: &Command, _: &dyn Progress) -> Result<Response, Error> {
            let is_otp = command.to_bytes() == Aid::OTP.select().to_bytes();
            let answer = match command.instruction() {
                0xa4 => {
                    self.0.push(command.to_bytes().to_vec());
                    if is_otp { &b"\x03\x04\x09\x01\x05\x00\x90\x00"[..] } else { b"\x6a\x82" }
                }
                0x01 => b"\x00\x00\x01\x00\x90\x00",
                _ => b"\x6d\x00",
            };
            Response::from_bytes(answer).map_err(|_| Error::Removed)
        }
    }

    /// A YubiKey NEO gets stuck after the selection of its Management application.
    #[test]
    fn a_neo_is_asked_through_otp_alone_and_another_key_if_it_has_no_management() {
        let [management, otp] = [Aid::MANAGEMENT, Aid::OTP].map(|aid| aid.select().to_bytes().to_vec());
        for (make, selected) in
            [(Make::YubiKeyNeo, vec![otp.clone()]), (Make::YubiKey, vec![management, otp])]
        {
            let mut key = OtpOnly::default();
            assert_eq!(read(&mut key, make), expected(Some("256"), Some("3.4.9"), None), "{make:?}");
            assert_eq!(key.0, selected, "{make:?}");
        }
    }

    #[test]
    fn another_text_with_a_version_does_not_tell_whether_the_key_is_one() {
        let other =
            identity(&[(0xa4, b"Management 6.0.1\x90\x00"), (0x1d, b"\x06\x02\x04\x00\x00\x01\x00\x90\x00")]);
        assert_eq!(other, expected(Some("256"), Some("6.0.1"), None));
    }

    #[test]
    fn a_pico_fido_is_no_yubikey() {
        let pico = identity(&[
            (0xa4, b"8.0.0\x90\x00"),
            (0x1d, b"\x0b\x02\x04\x01\x02\x03\x04\x05\x03\x08\x00\x00\x90\x00"),
        ]);
        assert_eq!(pico, expected(Some("16909060"), Some("8.0.0"), false));
    }

    #[test]
    fn answers_of_any_length_are_no_reason_to_panic() {
        assert_eq!(identity(&[]), None);
        assert_eq!(identity(&[(0xa4, &[])]), None);
        assert_eq!(identity(&[(0xa4, &[0x90, 0x00])]), expected(None, None, None));
        let cut = identity(&[
            (0xa4, b"Virtual mgr - FW version 5.4\x90\x00"),
            (0x1d, b"\x09\x02\x03\x01\x02\x03\x05\x7f\x90\x00"),
            (0x01, b"\x01\x90\x00"),
        ]);
        assert_eq!(cut, expected(None, None, true));
    }
}
