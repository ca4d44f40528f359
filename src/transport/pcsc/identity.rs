//! Serial number and firmware of a YubiKey, through its PIV and OTP applications.
//!
//! The commands are those of the yubikey crate, 0.8. That crate connects, exchanges and disconnects in one call, so that
//! the connect lock can't be held for the connecting alone, and it panics on an answer of fewer than three bytes.

use std::ffi::OsStr;

use crate::device::{Device, Identity, NoProgress};
use crate::iso7816::{Aid, Command, Status};

/// PIV's GET VERSION, an instruction of Yubico's: three bytes. From the YubiKey 4 on it is the firmware's version.
const GET_VERSION: Command = Command::bare(0xfd, 0x00, 0x00);
/// PIV's GET SERIAL, from the YubiKey 5 on: four bytes, big-endian.
const GET_SERIAL: Command = Command::bare(0xf8, 0x00, 0x00);
/// The OTP application's device serial (`yubikit/yubiotp.py`): four bytes, big-endian.
const OTP_GET_SERIAL: Command = Command::bare(0x01, 0x10, 0x00);

/// The first YubiKey whose PIV application has a serial number.
const FIRST_WITH_PIV_SERIAL: [u8; 3] = [5, 0, 0];

/// Readers of other vendors are not asked.
pub(super) fn is_yubikey(reader: &OsStr) -> bool {
    reader.to_string_lossy().to_lowercase().contains("yubi")
}

/// `None` when the PIV application is switched off or answers anything else than a version.
///
/// Selects applications, so that other programs' selections are lost.
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
        // Selecting it answers the firmware's version, which the PIV application of a NEO doesn't know.
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

    /// Answers the instructions that it knows, and `6D00` to others.
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
