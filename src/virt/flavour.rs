//! The differences between makes of tokens; each field is one observed deviation.

use super::firmware::Firmware;
use crate::iso7816::{Status, status};

/// A make of token: the properties in which OATH applications differ.
pub(super) struct Flavour {
    /// Answer to reset (ISO/IEC 7816-3 §8.2).
    pub(super) atr: &'static [u8],
    /// The version in the response to SELECT.
    pub(super) version: [u8; 3],
    /// Whether SELECT returns a serial number, and a new salt each time.
    pub(super) shows_serial: bool,
    /// Whether the token has the applications of a YubiKey besides OATH.
    pub(super) is_yubikey: bool,
    /// The instructions of OATH that the token does not have.
    pub(super) lacks: &'static [u8],
    /// Whether CALCULATE returns full responses as well.
    pub(super) has_full_responses: bool,
    /// Whether LIST adds the properties of each credential on request.
    pub(super) lists_properties: bool,
    /// The status word of PUT for a name that exists; `None` if the credential is replaced.
    pub(super) existing: Option<Status>,
    /// The instruction that fetches the rest of a long response over CCID.
    pub(super) continuation: u8,
    /// The maximum number of credentials.
    pub(super) capacity: usize,
    /// The maximum length of a response in bytes; the token pages longer ones with `61xx`. Over CCID, Le is a limit as well.
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
            version: firmware.bytes(),
            shows_serial: false,
            is_yubikey: true,
            // VERIFY PIN.
            lacks: &[0xb2],
            has_full_responses: true,
            lists_properties: false,
            existing: None,
            continuation: 0xa5,
            capacity: if firmware.is_at_least(5, 7, 0) { 64 } else { 32 },
            page: 254,
            renames: firmware.is_at_least(5, 3, 0),
            locked: status::SECURITY_STATUS_NOT_SATISFIED,
            wrong_code: status::WRONG_DATA,
            missing: status::DATA_INVALID,
        }
    }

    /// Nitrokey 3 with version 0.16.0 of its secrets application (trussed-secrets-app; measured with firmware 1.9.0-rc.1).
    pub(super) fn nitrokey_3() -> Self {
        Self {
            atr: &[
                0x3b, 0x8f, 0x01, 0x80, 0x5d, 0x4e, 0x69, 0x74, 0x72, 0x6f, 0x6b, 0x65, 0x79, 0x00, 0x00,
                0x00, 0x00, 0x00, 0x6a,
            ],
            version: [4, 16, 0],
            shows_serial: true,
            is_yubikey: false,
            // SET CODE, VALIDATE and CALCULATE ALL.
            lacks: &[0x03, 0xa3, 0xa4],
            has_full_responses: false,
            lists_properties: true,
            existing: Some(status::BLOCKED),
            continuation: 0xc0,
            capacity: 50,
            page: 3_000,
            renames: false,
            locked: status::SECURITY_STATUS_NOT_SATISFIED,
            wrong_code: status::INSTRUCTION_NOT_SUPPORTED,
            missing: status::NOT_FOUND,
        }
    }

    /// Token2 PIN+, whose application is not OATH; only the fields of the smart card matter.
    pub(super) fn token2() -> Self {
        Self {
            // A card with the historical bytes "TOKEN2".
            atr: &[0x3b, 0x86, 0x01, b'T', b'O', b'K', b'E', b'N', b'2', 0xee],
            is_yubikey: false,
            continuation: 0xc0,
            capacity: 50,
            page: 65_536,
            ..Self::nitrokey_3()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_atr_has_the_name_and_a_valid_checksum() {
        let yubikey = Flavour::yubikey_5("5.4.3".parse().unwrap());
        for (flavour, name) in
            [(yubikey, &b"YubiKey"[..]), (Flavour::nitrokey_3(), b"Nitrokey"), (Flavour::token2(), b"TOKEN2")]
        {
            assert_eq!(flavour.atr.iter().skip(1).fold(0, |sum, byte| sum ^ byte), 0);
            assert!(flavour.atr.windows(name.len()).any(|window| window == name));
        }
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
