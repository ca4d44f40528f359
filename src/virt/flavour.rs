//! The differences between makes of tokens; each field is one observed deviation.

use super::firmware::Firmware;
use crate::iso7816::{Status, status};

/// A make of token: the properties in which OATH applications differ.
pub(super) struct Flavour {
    /// Answer to reset (ISO/IEC 7816-3 §8.2).
    pub(super) atr: &'static [u8],
    /// The maximum number of credentials.
    pub(super) capacity: usize,
    /// The maximum length of a response in bytes; the token pages longer ones with `61xx`.
    pub(super) page: usize,
    /// Whether the token supports RENAME.
    pub(super) renames: bool,
    /// The status word of a locked token.
    pub(super) locked: Status,
    /// The status word for a wrong access code.
    pub(super) wrong_code: Status,
    /// The status word for a missing credential.
    pub(super) missing: Status,
}

impl Flavour {
    /// YubiKey 5 over USB (Yubico's technical manual, "OATH"; yubikey-manager's `yubikit/oath.py`).
    pub(super) fn yubikey_5(firmware: Firmware) -> Self {
        Self {
            atr: &[
                0x3b, 0xfd, 0x13, 0x00, 0x00, 0x81, 0x31, 0xfe, 0x15, 0x80, 0x73, 0xc0, 0x21, 0xc0, 0x57,
                0x59, 0x75, 0x62, 0x69, 0x4b, 0x65, 0x79, 0x40,
            ],
            capacity: if firmware.is_at_least(5, 7, 0) { 64 } else { 32 },
            page: 254,
            renames: firmware.is_at_least(5, 3, 0),
            locked: status::SECURITY_STATUS_NOT_SATISFIED,
            wrong_code: status::WRONG_DATA,
            missing: status::DATA_INVALID,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_atr_has_the_name_and_a_valid_checksum() {
        let flavour = Flavour::yubikey_5("5.4.3".parse().unwrap());
        assert_eq!(flavour.atr.iter().skip(1).fold(0, |sum, byte| sum ^ byte), 0);
        assert!(flavour.atr.windows(7).any(|window| window == b"YubiKey"));
    }

    #[test]
    fn capacity_and_renaming_follow_the_firmware() {
        let features = |version: &str| {
            let flavour = Flavour::yubikey_5(version.parse().unwrap());
            (flavour.capacity, flavour.renames)
        };
        assert_eq!(features("5.2.7"), (32, false));
        assert_eq!(features("5.4.3"), (32, true));
        assert_eq!(features("5.7.0"), (64, true));
    }
}
