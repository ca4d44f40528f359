//! Detects the vendor and model of a token from the name of its reader and from its self-description. Only the major version
//! of a YubiKey is used, because other vendors report arbitrary version numbers.

use super::token2;
use crate::device::{HidKind, UsbInterface, hid_models};
use crate::oath::SelfDescription;

/// The vendors of keys that are used over HID.
const YUBICO: u16 = 0x1050;
const ONLYKEY: u16 = 0x1d50;
const PURISM: u16 = 0x316d;

/// The vendor and model of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Model {
    pub(super) vendor: &'static str,
    pub(super) name: String,
    /// Whether the version that the token reports is that of its firmware.
    pub(super) version_is_firmware: bool,
}

/// Returns the first model that matches.
pub(super) fn detect_model(
    family: &str,
    reader: &str,
    usb: Option<&UsbInterface>,
    description: &SelfDescription,
) -> Model {
    // A card's USB device is its reader, which may be of another vendor.
    let usb = usb.filter(|_| reader.is_empty());
    let vendor = usb.map(|usb| usb.vendor);
    let pro = usb.and_then(|usb| hid_models::name(usb.vendor, usb.product, HidKind::NitrokeyPro));
    let reader = reader.to_lowercase();
    let model = |vendor, name: &str, version_is_firmware| Model {
        vendor,
        name: name.to_owned(),
        version_is_firmware,
    };
    if family == token2::FAMILY {
        model("Token2", token2::MODEL, false)
    } else if let Some(pro) = pro {
        let vendor = if vendor == Some(PURISM) { "Purism" } else { "Nitrokey" };
        model(vendor, pro, true)
    } else if reader.contains("yubikey neo") {
        // It reports the version of its applet.
        model("Yubico", "YubiKey NEO", false)
    } else if vendor == Some(ONLYKEY) {
        // It reports the version of the YubiKey that it imitates.
        model("CryptoTrust", "OnlyKey", false)
    } else if reader.contains("yubikey") || vendor == Some(YUBICO) {
        let name = match description.version {
            Some([major, ..]) => format!("YubiKey {major}"),
            None => "YubiKey".to_owned(),
        };
        Model { vendor: "Yubico", name, version_is_firmware: true }
    } else if description.serial.is_some() || description.attempts_left.is_some() {
        // Only Trussed's secrets application sends tags 8F and 82. It reports its own version.
        model("Nitrokey", "Nitrokey 3", false)
    } else if reader.contains("canokey") {
        // It reports 6.0.0 for every firmware version.
        model("CanoKeys", "CanoKey", false)
    } else if reader.contains("solo") {
        // It reports 4.4.4 for every firmware version.
        model("SoloKeys", "Solo 2", false)
    } else {
        model("", "OATH token", false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usb(vendor: u16, product: u16) -> UsbInterface {
        UsbInterface { vendor, product, serial: None, number: None, parent: None }
    }

    fn description(version: [u8; 3], serial: Option<&str>) -> SelfDescription {
        let serial = serial.map(str::to_owned);
        SelfDescription { version: Some(version), serial, ..SelfDescription::default() }
    }

    #[test]
    fn models_are_detected_without_their_versions() {
        for (reader, version, serial, name) in [
            ("Yubico YubiKey OTP+FIDO+CCID 00 00", [5, 4, 3], None, "YubiKey 5"),
            ("Yubico Yubikey NEO OTP+U2F+CCID 01 00", [1, 0, 1], None, "YubiKey NEO"),
            ("Nitrokey 3 [CCID/ICCD Interface] 00 00", [4, 14, 0], Some("01020304"), "Nitrokey 3"),
            ("canokeys.org OpenPGP PIV OATH CanoKey 00 00", [6, 0, 0], None, "CanoKey"),
            ("SoloKeys Solo 2 00 00", [4, 4, 4], None, "Solo 2"),
            ("ACS ACR122U PICC Interface 00 00", [0, 1, 2], None, "OATH token"),
        ] {
            assert_eq!(detect_model("ykoath", reader, None, &description(version, serial)).name, name);
        }
    }

    #[test]
    fn a_token2_key_is_detected_by_its_family_behind_any_reader() {
        for (reader, usb) in [("ACS ACR122U PICC Interface 00 00", None), ("", Some(usb(0x349e, 0x0022)))] {
            let description = SelfDescription { serial: Some("7".to_owned()), ..SelfDescription::default() };
            let model = detect_model("token2", reader, usb.as_ref(), &description);
            assert_eq!((model.vendor, model.name.as_str()), ("Token2", "Token2 PIN+"));
        }
    }

    #[test]
    fn a_key_without_a_reader_is_detected_by_its_vendor() {
        let usb = |vendor| usb(vendor, 0);
        let model = |reader, vendor| {
            detect_model("ykoath", reader, Some(&usb(vendor)), &description([5, 4, 3], Some("7"))).name
        };
        assert_eq!(model("", 0x1050), "YubiKey 5");
        assert_eq!(model("", 0x1d50), "OnlyKey");
        assert_eq!(model("Nitrokey 3 [CCID/ICCD Interface] 00 00", 0x1050), "Nitrokey 3");
    }

    #[test]
    fn a_nitrokey_pro_and_its_relatives_are_detected_by_their_ids() {
        for (vendor, product, maker, name) in [
            (0x20a0, 0x4108, "Nitrokey", "Nitrokey Pro"),
            (0x20a0, 0x4109, "Nitrokey", "Nitrokey Storage"),
            (0x316d, 0x4c4b, "Purism", "Librem Key"),
        ] {
            let usb = usb(vendor, product);
            let model =
                detect_model("nitrokeypro", "", Some(&usb), &description([0, 8, 0], Some("00005f11")));
            assert_eq!((model.vendor, model.name.as_str(), model.version_is_firmware), (maker, name, true));
        }
    }
}
