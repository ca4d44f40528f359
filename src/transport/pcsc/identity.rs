//! Reads the serial number and firmware version of a YubiKey from its Management application, which every YubiKey has.
//!
//! An imitation may have the answer to reset of a YubiKey and the same application. Its version text is another one.
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

/// Whether the card may be a YubiKey. The commands are sent to no other card.
pub(super) fn may_be_yubikey(attachment: &Attachment) -> bool {
    matches!(attachment.make(), Some(Make::YubiKey | Make::YubiKeyNeo))
}

/// Reads the identity; `None` if there is no Management application.
///
/// Selects applications, which deselects those of other programs.
pub(super) fn read(device: &mut dyn Device) -> Option<Identity> {
    let mut transaction = device.transaction().ok()?;
    let mut ask = |command: &Command| {
        let response = transaction.transmit(command, &NoProgress).ok()?;
        (response.status == Status::OK).then(|| response.data.clone())
    };
    let text = ask(&Aid::MANAGEMENT.select())?;
    let is_yubikey = text.starts_with(YUBIKEY_TEXT);
    let configuration = ask(&READ_CONFIG).unwrap_or_default();
    let mut serial = element(&configuration, SERIAL).and_then(number);
    if serial.is_none() && is_yubikey {
        serial = ask(&Aid::OTP.select()).and_then(|_| ask(&OTP_GET_SERIAL)).as_deref().and_then(number);
    }
    let firmware = element(&configuration, VERSION).and_then(|version| <[u8; 3]>::try_from(version).ok());
    let firmware = firmware.map(|[major, minor, patch]| format!("{major}.{minor}.{patch}"));
    Some(Identity {
        serial: serial.map(|serial| serial.to_string()),
        firmware: firmware.or_else(|| version_in(&text)),
        is_yubikey: Some(is_yubikey),
    })
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
        read(&mut Key(answers))
    }

    fn expected(serial: Option<&str>, firmware: Option<&str>, is_yubikey: bool) -> Option<Identity> {
        let (serial, firmware) = (serial.map(str::to_owned), firmware.map(str::to_owned));
        Some(Identity { serial, firmware, is_yubikey: Some(is_yubikey) })
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
            assert_eq!(may_be_yubikey(&attachment), is_asked, "{attachment:?}");
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
        let neo = identity(&[
            (0xa4, b"Virtual mgr - FW version 3.4.9\x90\x00"),
            (0x01, b"\x00\x00\x01\x00\x90\x00"),
        ]);
        assert_eq!(neo, expected(Some("256"), Some("3.4.9"), true));
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
        assert_eq!(identity(&[(0xa4, &[0x90, 0x00])]), expected(None, None, false));
        let cut = identity(&[
            (0xa4, b"Virtual mgr - FW version 5.4\x90\x00"),
            (0x1d, b"\x09\x02\x03\x01\x02\x03\x05\x7f\x90\x00"),
            (0x01, b"\x01\x90\x00"),
        ]);
        assert_eq!(cut, expected(None, None, true));
    }
}
