//! Who made a token: from its reader's name and what SELECT returned, never from version numbers,
//! which vendors fill as they like.

use crate::protocol::ykoath::Selection;

/// The names of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Names {
    pub(super) vendor: &'static str,
    pub(super) model: String,
    /// Whether the version in SELECT is the firmware's.
    pub(super) version_is_firmware: bool,
}

/// Which make it is; one entry a family, first match wins.
pub(super) fn recognise(reader: &str, selection: &Selection) -> Names {
    let reader = reader.to_lowercase();
    let names = |vendor, model: &str, version_is_firmware| Names {
        vendor,
        model: model.to_owned(),
        version_is_firmware,
    };
    if reader.contains("yubikey neo") {
        // Its version is the applet's.
        names("Yubico", "YubiKey NEO", false)
    } else if reader.contains("yubikey") {
        let model = match selection.version {
            Some([major, ..]) => format!("YubiKey {major}"),
            None => "YubiKey".to_owned(),
        };
        Names { vendor: "Yubico", model, version_is_firmware: true }
    } else if selection.serial.is_some() || selection.attempts_left.is_some() {
        // Only Trussed's secrets application sends tags 8F and 82.
        names("Nitrokey", "Nitrokey 3", true)
    } else if reader.contains("canokey") {
        // It says 6.0.0 whatever its firmware is.
        names("CanoKeys", "CanoKey", false)
    } else if reader.contains("solo") {
        // It says 4.4.4 whatever its firmware is.
        names("SoloKeys", "Solo 2", false)
    } else {
        names("", "OATH token", false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selection(version: [u8; 3], serial: Option<Vec<u8>>) -> Selection {
        Selection { version: Some(version), salt: None, challenge: None, serial, attempts_left: None }
    }

    #[test]
    fn makes_are_told_apart_without_their_versions() {
        for (reader, version, serial, model) in [
            ("Yubico YubiKey OTP+FIDO+CCID 00 00", [5, 4, 3], None, "YubiKey 5"),
            ("Yubico Yubikey NEO OTP+U2F+CCID 01 00", [1, 0, 1], None, "YubiKey NEO"),
            ("Nitrokey 3 [CCID/ICCD Interface] 00 00", [4, 14, 0], Some(vec![1, 2, 3, 4]), "Nitrokey 3"),
            ("canokeys.org OpenPGP PIV OATH CanoKey 00 00", [6, 0, 0], None, "CanoKey"),
            ("SoloKeys Solo 2 00 00", [4, 4, 4], None, "Solo 2"),
            ("ACS ACR122U PICC Interface 00 00", [0, 1, 2], None, "OATH token"),
        ] {
            assert_eq!(recognise(reader, &selection(version, serial)).model, model);
        }
    }
}
