//! Detects the vendor and model of a token from the name of its reader and from its self-description. Only the major version
//! of a YubiKey is used, because other vendors report arbitrary version numbers.

use crate::oath::SelfDescription;

/// The vendor and model of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Model {
    pub(super) vendor: &'static str,
    pub(super) name: String,
    /// Whether the version that the token reports is that of its firmware.
    pub(super) version_is_firmware: bool,
}

/// Returns the first model that matches.
pub(super) fn detect_model(reader: &str, description: &SelfDescription) -> Model {
    let reader = reader.to_lowercase();
    let model = |vendor, name: &str, version_is_firmware| Model {
        vendor,
        name: name.to_owned(),
        version_is_firmware,
    };
    if reader.contains("yubikey neo") {
        // It reports the version of its applet.
        model("Yubico", "YubiKey NEO", false)
    } else if reader.contains("yubikey") {
        let name = match description.version {
            Some([major, ..]) => format!("YubiKey {major}"),
            None => "YubiKey".to_owned(),
        };
        Model { vendor: "Yubico", name, version_is_firmware: true }
    } else if description.serial.is_some() || description.attempts_left.is_some() {
        // Only Trussed's secrets application sends tags 8F and 82.
        model("Nitrokey", "Nitrokey 3", true)
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

    fn description(version: [u8; 3], serial: Option<&str>) -> SelfDescription {
        let serial = serial.map(str::to_owned);
        SelfDescription { version: Some(version), salt: None, serial, attempts_left: None }
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
            assert_eq!(detect_model(reader, &description(version, serial)).name, name);
        }
    }
}
