//! Detects the vendor and model of a token. What the token answers comes before the name of its reader, which may be of
//! another vendor. Only the major version of a YubiKey is used, because other vendors report arbitrary version numbers.

use super::token2;
use crate::device::{Attachment, HidKind, Identity, Make, hid_models};
use crate::oath::SelfDescription;

/// The vendors of keys that are used over HID.
const YUBICO: u16 = 0x1050;
const ONLYKEY: u16 = 0x1d50;
const PURISM: u16 = 0x316d;

/// The last major version of a YubiKey. A pico-fido, which imitates one, reports 7 or 8.
const LAST_YUBIKEY: u8 = 5;

/// The vendor and model of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Model {
    pub(super) vendor: &'static str,
    pub(super) name: String,
    /// Whether the version that the token reports is that of its firmware.
    pub(super) version_is_firmware: bool,
}

/// Returns the first model that matches. `identity` is that of the vendor's application, if it was read.
pub(super) fn detect_model(
    family: &str,
    attachment: &Attachment,
    description: &SelfDescription,
    identity: Option<&Identity>,
) -> Model {
    // A card's USB device is its reader, which may be of another vendor.
    let usb = attachment.usb.as_ref().filter(|_| attachment.reader.is_none());
    let vendor = usb.map(|usb| usb.vendor);
    let pro = usb.and_then(|usb| hid_models::name(usb.vendor, usb.product, HidKind::NitrokeyPro));
    let model = |vendor, name: &str, version_is_firmware| Model {
        vendor,
        name: name.to_owned(),
        version_is_firmware,
    };
    if family == token2::FAMILY {
        return model("Token2", token2::MODEL, false);
    }
    if let Some(pro) = pro {
        return model(if vendor == Some(PURISM) { "Purism" } else { "Nitrokey" }, pro, true);
    }
    if description.is_trussed {
        // It reports its own version.
        return model("Nitrokey", "Nitrokey 3", false);
    }
    let make = attachment.make().or((vendor == Some(YUBICO)).then_some(Make::YubiKey));
    match make {
        // It reports the version of the YubiKey that it imitates.
        _ if vendor == Some(ONLYKEY) => model("CryptoTrust", "OnlyKey", false),
        // It reports the version of its applet.
        Some(Make::YubiKeyNeo) => model("Yubico", "YubiKey NEO", false),
        Some(Make::YubiKey) if is_yubikey(description, identity) => {
            let name = match description.version {
                Some([major, ..]) => format!("YubiKey {major}"),
                None => "YubiKey".to_owned(),
            };
            Model { vendor: "Yubico", name, version_is_firmware: true }
        }
        // It reports 6.0.0 for every firmware version.
        Some(Make::CanoKey) => model("CanoKeys", "CanoKey", false),
        // It reports 4.4.4 for every firmware version.
        Some(Make::Solo) => model("SoloKeys", "Solo 2", false),
        Some(Make::YubiKey) | None => model("", "OATH token", false),
    }
}

/// Whether a token with the name of a YubiKey is one: its vendor's application says so, or else its version.
fn is_yubikey(description: &SelfDescription, identity: Option<&Identity>) -> bool {
    let is_possible = description.version.is_none_or(|[major, ..]| major <= LAST_YUBIKEY);
    identity.and_then(|identity| identity.is_yubikey).unwrap_or(is_possible)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::{DeviceId, UsbInterface};

    /// The answer to reset of a YubiKey 5 over USB, which a pico-fido has as well.
    const YUBIKEY: &[u8] = b"\x3b\xfd\x13\x00\x00\x81\x31\xfe\x15\x80\x73\xc0\x21\xc0\x57YubiKey@";
    const CANOKEY: &[u8] = b"\x3b\xf7\x11\x00\x00\x81\x31\xfe\x65Canokey\x99";
    const YUBICO_READER: &str = "Yubico YubiKey OTP+FIDO+CCID 00 00";
    const READER: &str = "ACS ACR122U PICC Interface 00 00";

    /// A smart card, or with an empty reader a HID device.
    fn attachment(reader: &str, atr: &[u8], vendor: u16, product: u16) -> Attachment {
        Attachment {
            id: DeviceId { name: reader.into(), insertion: 1 },
            is_virtual: false,
            reader: (!reader.is_empty()).then(|| reader.into()),
            usb: Some(UsbInterface { vendor, product, serial: None, number: None, parent: None }),
            atr: atr.to_vec(),
        }
    }

    fn description(version: [u8; 3], is_trussed: bool) -> SelfDescription {
        SelfDescription { version: Some(version), is_trussed, ..SelfDescription::default() }
    }

    fn name(attachment: &Attachment, description: &SelfDescription, is_yubikey: Option<bool>) -> String {
        let identity = Identity { is_yubikey, ..Identity::default() };
        detect_model("ykoath", attachment, description, Some(&identity)).name
    }

    #[test]
    fn models_are_detected_by_what_the_token_answers_and_then_by_its_reader() {
        for (reader, atr, version, is_trussed, expected) in [
            (YUBICO_READER, YUBIKEY, [5, 4, 3], false, "YubiKey 5"),
            (YUBICO_READER, &[], [4, 3, 7], false, "YubiKey 4"),
            (READER, YUBIKEY, [5, 7, 1], false, "YubiKey 5"),
            ("Yubico Yubikey NEO OTP+U2F+CCID 01 00", &[], [1, 0, 1], false, "YubiKey NEO"),
            ("Nitrokey 3 [CCID/ICCD Interface] 00 00", &[], [4, 14, 0], true, "Nitrokey 3"),
            (YUBICO_READER, YUBIKEY, [4, 14, 0], true, "Nitrokey 3"),
            ("canokeys.org OpenPGP PIV OATH CanoKey 00 00", &[], [6, 0, 0], false, "CanoKey"),
            (YUBICO_READER, CANOKEY, [6, 0, 0], false, "CanoKey"),
            ("SoloKeys Solo 2 00 00", &[], [4, 4, 4], false, "Solo 2"),
            (READER, &[], [0, 1, 2], false, "OATH token"),
        ] {
            let attachment = attachment(reader, atr, 0, 0);
            assert_eq!(name(&attachment, &description(version, is_trussed), None), expected, "{reader}");
        }
    }

    #[test]
    fn an_imitation_of_a_yubikey_is_known_by_its_application_or_by_its_version() {
        let attachment = attachment(YUBICO_READER, YUBIKEY, 0, 0);
        for (version, is_yubikey, expected) in [
            ([8, 0, 0], None, "OATH token"),
            ([8, 0, 0], Some(false), "OATH token"),
            ([5, 4, 3], Some(false), "OATH token"),
            ([5, 4, 3], Some(true), "YubiKey 5"),
            ([6, 0, 0], Some(true), "YubiKey 6"),
        ] {
            assert_eq!(name(&attachment, &description(version, false), is_yubikey), expected);
        }
    }

    #[test]
    fn a_token2_key_is_detected_by_its_family_behind_any_reader() {
        for attachment in [attachment(READER, &[], 0, 0), attachment("", &[], 0x349e, 0x0022)] {
            let model = detect_model("token2", &attachment, &SelfDescription::default(), None);
            assert_eq!((model.vendor, model.name.as_str()), ("Token2", "Token2 PIN+"));
        }
    }

    #[test]
    fn a_key_without_a_reader_is_detected_by_its_vendor() {
        let model = |reader, vendor, is_trussed| {
            name(&attachment(reader, &[], vendor, 0), &description([5, 4, 3], is_trussed), None)
        };
        assert_eq!(model("", 0x1050, false), "YubiKey 5");
        assert_eq!(model("", 0x1d50, false), "OnlyKey");
        assert_eq!(model("Nitrokey 3 [CCID/ICCD Interface] 00 00", 0x1050, true), "Nitrokey 3");
        assert_eq!(model(READER, 0x1050, false), "OATH token", "the vendor of the reader");
    }

    #[test]
    fn a_nitrokey_pro_and_its_relatives_are_detected_by_their_ids() {
        for (vendor, product, maker, name) in [
            (0x20a0, 0x4108, "Nitrokey", "Nitrokey Pro"),
            (0x20a0, 0x4109, "Nitrokey", "Nitrokey Storage"),
            (0x316d, 0x4c4b, "Purism", "Librem Key"),
        ] {
            let attachment = attachment("", &[], vendor, product);
            let model = detect_model("nitrokeypro", &attachment, &description([0, 8, 0], false), None);
            assert_eq!((model.vendor, model.name.as_str(), model.version_is_firmware), (maker, name, true));
        }
    }
}
