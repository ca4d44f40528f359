//! Application identifiers (ISO/IEC 7816-4 §8.2.1.2).

use super::Command;

/// The identifier that selects a card application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Aid(&'static [u8]);

impl Aid {
    /// YKOATH on the tokens of all vendors. On the NEO it is a prefix of the instance's AID, `… 21 01 01`.
    pub const OATH: Self = Self(&[0xa0, 0x00, 0x00, 0x05, 0x27, 0x21, 0x01]);
    /// The YubiKey's management application.
    pub const MANAGEMENT: Self = Self(&[0xa0, 0x00, 0x00, 0x05, 0x27, 0x47, 0x11, 0x17]);
    /// The YubiKey's OTP application over CCID.
    pub const OTP: Self = Self(&[0xa0, 0x00, 0x00, 0x05, 0x27, 0x20, 0x01]);
    /// PIV (NIST SP 800-73-4).
    pub const PIV: Self = Self(&[0xa0, 0x00, 0x00, 0x03, 0x08]);
    /// The OTP application of a Token2 PIN+.
    pub const TOKEN2: Self = Self(&[0xf0, 0x00, 0x00, 0x01, 0x4f, 0x74, 0x70, 0x01]);
    /// The NFC Forum's application for a message in NDEF (Type 4 Tag Technical Specification, section 4.2.2).
    pub const NDEF: Self = Self(&[0xd2, 0x76, 0x00, 0x00, 0x85, 0x01, 0x01]);
    /// FIDO (CTAP 2.1 §11.3.3).
    pub const FIDO: Self = Self(&[0xa0, 0x00, 0x00, 0x06, 0x47, 0x2f, 0x00, 0x01]);

    /// The identifier's bytes.
    pub const fn bytes(self) -> &'static [u8] {
        self.0
    }

    /// SELECT by name, first or only occurrence (`00 A4 04 00`).
    pub fn select(self) -> Command {
        Command::from_static(0xa4, 0x04, 0x00, self.0)
    }
}
