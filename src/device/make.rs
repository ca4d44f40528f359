//! The make of a smart card, as its answer to reset names it, or else its reader.

use super::Attachment;

/// A make whose name is in an answer to reset or in the name of a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Make {
    /// A YubiKey other than the NEO, or an imitation.
    YubiKey,
    /// A YubiKey NEO.
    YubiKeyNeo,
    /// A CanoKey.
    CanoKey,
    /// A Solo 2.
    Solo,
}

impl Attachment {
    /// The make of the card; `None` if neither its historical bytes (ISO/IEC 7816-4 §12.1.1) nor its reader name one.
    ///
    /// The card comes before its reader, which may be of another vendor. Neither proves anything: a pico-fido has the
    /// answer to reset of a YubiKey.
    pub fn make(&self) -> Option<Make> {
        let reader = self.reader.as_ref()?.to_string_lossy().to_lowercase();
        make_of_card(&self.atr).or_else(|| make_in(&reader))
    }
}

/// The make that an answer to reset names.
pub fn make_of_card(atr: &[u8]) -> Option<Make> {
    make_in(&String::from_utf8_lossy(atr).to_lowercase())
}

/// The make that a text in lower case names.
fn make_in(text: &str) -> Option<Make> {
    let makes = [
        ("yubikeyneo", Make::YubiKeyNeo),
        ("yubikey neo", Make::YubiKeyNeo),
        ("yubikey", Make::YubiKey),
        ("canokey", Make::CanoKey),
        ("solo", Make::Solo),
    ];
    makes.into_iter().find(|(name, _)| text.contains(name)).map(|(_, make)| make)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::DeviceId;

    /// The answers to reset of a YubiKey 5 over USB, of a YubiKey NEO, and of a CanoKey.
    const YUBIKEY: &[u8] = b"\x3b\xfd\x13\x00\x00\x81\x31\xfe\x15\x80\x73\xc0\x21\xc0\x57YubiKey@";
    const NEO: &[u8] = b"\x3b\xfc\x13\x00\x00\x81\x31\xfe\x15YubikeyNEOr3\xe1";
    const CANOKEY: &[u8] = b"\x3b\xf7\x11\x00\x00\x81\x31\xfe\x65Canokey\x99";

    #[test]
    fn the_card_comes_before_its_reader() {
        for (reader, atr, make) in [
            ("Yubico YubiKey OTP+FIDO+CCID 00 00", &[][..], Some(Make::YubiKey)),
            ("Yubico Yubikey NEO OTP+U2F+CCID 01 00", &[], Some(Make::YubiKeyNeo)),
            ("canokeys.org OpenPGP PIV OATH CanoKey 00 00", &[], Some(Make::CanoKey)),
            ("SoloKeys Solo 2 00 00", b"\x3b\x80\x01", Some(Make::Solo)),
            ("ACS ACR122U PICC Interface 00 00", YUBIKEY, Some(Make::YubiKey)),
            ("ACS ACR122U PICC Interface 00 00", NEO, Some(Make::YubiKeyNeo)),
            ("Yubico YubiKey OTP+FIDO+CCID 00 00", CANOKEY, Some(Make::CanoKey)),
            ("ACS ACR122U PICC Interface 00 00", b"\x3b\xff\xfe", None),
        ] {
            let id = DeviceId { name: reader.into(), insertion: 1 };
            let reader = Some(reader.into());
            let mut attachment = Attachment { id, is_virtual: false, reader, usb: None, atr: atr.to_vec() };
            assert_eq!(attachment.make(), make, "{attachment:?}");
            attachment.reader = None;
            assert_eq!(attachment.make(), None, "a device without a reader is no smart card");
        }
    }
}
