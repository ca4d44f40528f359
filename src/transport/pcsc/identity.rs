//! Reads the serial number and firmware version of a YubiKey from its PIV and OTP applications.
//!
//! The commands are those of the yubikey crate, version 0.8. The crate itself is not used: it connects, exchanges and
//! disconnects in one call, so that the connect lock would be held during exchanges, and it panics on a response of fewer
//! than three bytes.

use std::ffi::OsStr;

use crate::device::{Device, Identity, NoProgress};
use crate::iso7816::{Aid, Command, Status};

/// GET VERSION of the PIV application, specific to Yubico: three bytes. From the YubiKey 4 on they are the firmware
/// version.
const GET_VERSION: Command = Command::bare(0xfd, 0x00, 0x00);
/// GET SERIAL of the PIV application, from the YubiKey 5 on: four bytes, big-endian.
const GET_SERIAL: Command = Command::bare(0xf8, 0x00, 0x00);
/// The device serial number of the OTP application (`yubikit/yubiotp.py`): four bytes, big-endian.
const OTP_GET_SERIAL: Command = Command::bare(0x01, 0x10, 0x00);

/// The first firmware version whose PIV application has a serial number.
const FIRST_WITH_PIV_SERIAL: [u8; 3] = [5, 0, 0];

/// Whether the reader is a YubiKey, by its name. The commands are sent to no other reader.
pub(super) fn is_yubikey(reader: &OsStr) -> bool {
    reader.to_string_lossy().to_lowercase().contains("yubi")
}

/// Reads the identity; `None` if the PIV application is disabled or does not send a version.
///
/// Selects applications, which deselects those of other programs.
pub(super) fn read(device: &mut dyn Device) -> Option<Identity> {
    let mut transaction = device.transaction().ok()?;
    let mut ask = |command: &Command| {
        let response = transaction.transmit(command, &NoProgress).ok()?;
        (response.status == Status::OK).then(|| response.data.clone())
    };
    ask(&Aid::PIV.select())?;
    let version: [u8; 3] = ask(&GET_VERSION)?.try_into().ok()?;
    let (serial, version) = if version >= FIRST_WITH_PIV_SERIAL {
        (ask(&GET_SERIAL), Some(version))
    } else {
        // The response to SELECT contains the firmware version, which the PIV application of a YubiKey NEO lacks.
        let version = ask(&Aid::OTP.select())?.first_chunk().copied();
        (ask(&OTP_GET_SERIAL), version)
    };
    let serial = serial.and_then(|serial| <[u8; 4]>::try_from(serial).ok()).map(u32::from_be_bytes);
    Some(Identity {
        serial: serial.map(|serial| serial.to_string()),
        firmware: version.map(|[major, minor, patch]| format!("{major}.{minor}.{patch}")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::{Error, Progress, Transaction};
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

    fn identity(answers: &'static [(u8, &'static [u8])]) -> Option<(Option<String>, Option<String>)> {
        read(&mut Key(answers)).map(|identity| (identity.serial, identity.firmware))
    }

    #[test]
    fn only_readers_with_yubico_in_their_name_are_asked() {
        assert!(is_yubikey(OsStr::new("Yubico YubiKey OTP+FIDO+CCID 00 00")));
        assert!(!is_yubikey(OsStr::new("Nitrokey 3 [CCID/ICCD Interface] 00 00")));
    }

    #[test]
    fn a_yubikey_5_answers_through_piv_and_older_ones_through_otp() {
        let some = |text: &str| Some(text.to_owned());
        let five = identity(&[
            (0xa4, &[0x90, 0x00]),
            (0xfd, &[5, 4, 3, 0x90, 0x00]),
            (0xf8, &[0x00, 0xbc, 0x61, 0x4e, 0x90, 0x00]),
        ]);
        assert_eq!(five, Some((some("12345678"), some("5.4.3"))));
        let neo = identity(&[
            (0xa4, &[3, 4, 9, 0x01, 0x05, 0x00, 0x90, 0x00]),
            (0xfd, &[1, 0, 4, 0x90, 0x00]),
            (0x01, &[0x00, 0x00, 0x01, 0x00, 0x90, 0x00]),
        ]);
        assert_eq!(neo, Some((some("256"), some("3.4.9"))));
    }

    #[test]
    fn answers_of_any_length_are_no_reason_to_panic() {
        assert_eq!(identity(&[]), None);
        assert_eq!(identity(&[(0xa4, &[])]), None);
        assert_eq!(identity(&[(0xa4, &[0x90, 0x00]), (0xfd, &[5, 4, 0x90, 0x00])]), None);
        let no_serial = identity(&[
            (0xa4, &[0x90, 0x00]),
            (0xfd, &[5, 4, 3, 0x90, 0x00]),
            (0xf8, &[1, 2, 3, 0x90, 0x00]),
        ]);
        assert_eq!(no_serial, Some((None, Some("5.4.3".to_owned()))));
    }
}
