//! The identity commands of a YubiKey's management, OTP and PIV applications.
//!
//! Sources: yubikey-manager's `yubikit/management.py`, `yubikit/yubiotp.py` and the `yubikey` crate.

use super::apdu::Request;
use super::firmware::Firmware;
use crate::iso7816::{Status, status};

/// The data of the identity applications.
#[derive(Clone, Copy, Debug)]
pub(super) struct Identity {
    pub(super) serial: u32,
    pub(super) firmware: Firmware,
}

type Answer = Result<Vec<u8>, Status>;

impl Identity {
    /// The management application's response to SELECT: text that ends in the firmware version.
    pub(super) fn select_management(self) -> Vec<u8> {
        format!("Virtual mgr - FW version {}", self.firmware).into_bytes()
    }

    /// READ CONFIG (`00 1D`), one page.
    pub(super) fn management(self, request: &Request<'_>) -> Answer {
        match (request.instruction, request.p1) {
            (0x1d, 0x00) => Ok(self.configuration()),
            (0x1d, _) => Err(status::WRONG_P1_P2),
            _ => Err(status::INSTRUCTION_NOT_SUPPORTED),
        }
    }

    /// The OTP application's response to SELECT: version, programming sequence, touch level; no slot is in use.
    pub(super) fn select_otp(self) -> Vec<u8> {
        let [major, minor, patch] = self.firmware.bytes();
        vec![major, minor, patch, 0x00, 0x00, 0x00]
    }

    /// The OTP application: device serial (`00 01 10 00`) and status (`00 03`).
    pub(super) fn otp(self, request: &Request<'_>) -> Answer {
        match (request.instruction, request.p1) {
            (0x01, 0x10) => Ok(self.serial.to_be_bytes().to_vec()),
            (0x01, _) => Err(status::WRONG_P1_P2),
            (0x03, _) => Ok(self.select_otp()),
            _ => Err(status::INSTRUCTION_NOT_SUPPORTED),
        }
    }

    /// The PIV application's response to SELECT: its property template (NIST SP 800-73-4 part 2, table 3).
    pub(super) fn select_piv(self) -> Vec<u8> {
        vec![
            0x61, 0x11, 0x4f, 0x06, 0x00, 0x00, 0x10, 0x00, 0x01, 0x00, 0x79, 0x07, 0x4f, 0x05, 0xa0, 0x00,
            0x00, 0x03, 0x08,
        ]
    }

    /// The PIV application: Yubico's GET VERSION (`00 FD`) and GET SERIAL (`00 F8`).
    pub(super) fn piv(self, request: &Request<'_>) -> Answer {
        match request.instruction {
            0xfd => Ok(self.firmware.bytes().to_vec()),
            0xf8 => Ok(self.serial.to_be_bytes().to_vec()),
            _ => Err(status::INSTRUCTION_NOT_SUPPORTED),
        }
    }

    fn configuration(self) -> Vec<u8> {
        /// The capabilities of this token: OTP, PIV and OATH.
        const CAPABILITIES: [u8; 2] = [0x00, 0x31];
        const USB_A_KEYCHAIN: u8 = 0x01;
        let serial = self.serial.to_be_bytes();
        let version = self.firmware.bytes();
        let fields: [(u8, &[u8]); 9] = [
            (0x01, &CAPABILITIES),
            (0x02, &serial),
            (0x03, &CAPABILITIES),
            (0x04, &[USB_A_KEYCHAIN]),
            (0x05, &version),
            (0x06, &[0x00, 0x00]),
            (0x07, &[0x0f]),
            (0x08, &[0x00]),
            (0x0a, &[0x00]),
        ];
        let mut page = vec![0];
        for (tag, value) in fields {
            page.push(tag);
            page.extend(u8::try_from(value.len()));
            page.extend(value);
        }
        let length = u8::try_from(page.len() - 1).unwrap_or(u8::MAX);
        page.splice(..1, [length]);
        page
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_page_starts_with_its_length() {
        let identity = Identity { serial: 12_345_678, firmware: "5.4.3".parse().unwrap() };
        let page = identity.configuration();
        assert_eq!(usize::from(page[0]), page.len() - 1);
        assert!(page.windows(6).any(|tlv| tlv == [0x02, 0x04, 0x00, 0xbc, 0x61, 0x4e]));
        assert!(page.windows(5).any(|tlv| tlv == [0x05, 0x03, 5, 4, 3]));
        assert_eq!(identity.select_management(), b"Virtual mgr - FW version 5.4.3");
    }
}
