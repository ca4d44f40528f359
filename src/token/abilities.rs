//! What a kind of token is known to be able to do, for programs that offer it to a person. A call always asks the token itself.

use super::detect_model::Model;
use super::{nitrokey_pro, token2};
use crate::oath::SelfDescription;

/// The operations of a token, and the number of credentials that it holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Abilities {
    /// Words of `add`, `rename`, `remove`, `password` and `pin`, in this order.
    pub operations: Vec<&'static str>,
    /// The maximum number of credentials; `None` if it is unknown, or depends on the length of their names.
    pub capacity: Option<u32>,
}

/// The operations of YKOATH.
const ADD: &str = "add";
const RENAME: &str = "rename";
const REMOVE: &str = "remove";
const PASSWORD: &str = "password";
/// Unlocking with a PIN. A PIN is set with the program of the vendor.
const PIN: &str = "pin";

/// The first firmware of YubiKeys with RENAME, and the first with 64 places (Yubico's technical manual, "OATH").
const RENAMES: [u8; 3] = [5, 3, 0];
const HOLDS_64: [u8; 3] = [5, 7, 0];

/// The abilities of a token of this family and model.
pub(super) fn abilities(family: &str, model: &Model, description: &SelfDescription) -> Abilities {
    if family == nitrokey_pro::FAMILY {
        // 15 slots for TOTP and 3 for HOTP, in every model.
        return Abilities { operations: vec![PIN], capacity: Some(18) };
    }
    if family == token2::FAMILY {
        return Abilities { operations: vec![PIN], capacity: None };
    }
    if family != "ykoath" {
        return Abilities::default();
    }
    if description.is_trussed {
        // The limit of trussed-secrets-app; its command to rename has another number, which is not used.
        return Abilities { operations: vec![ADD, REMOVE, PIN], capacity: Some(50) };
    }
    let version = description.version.filter(|_| model.version_is_firmware);
    let (renames, capacity) = match (model.vendor, version) {
        ("Yubico", Some(version)) => (version >= RENAMES, Some(if version >= HOLDS_64 { 64 } else { 32 })),
        // The memory of a NEO is shared by names and keys of any length.
        ("Yubico", None) => (false, None),
        ("CanoKeys", _) => (true, Some(100)),
        ("SoloKeys" | "CryptoTrust", _) => (false, None),
        // Some have it, and only the command itself tells.
        _ => (true, None),
    };
    let operations = [Some(ADD), renames.then_some(RENAME), Some(REMOVE), Some(PASSWORD)];
    Abilities { operations: operations.into_iter().flatten().collect(), capacity }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(vendor: &'static str, version: [u8; 3], version_is_firmware: bool) -> (String, Option<u32>) {
        let model = Model { vendor, name: String::new(), version_is_firmware };
        let description = SelfDescription { version: Some(version), ..SelfDescription::default() };
        let abilities = abilities("ykoath", &model, &description);
        (abilities.operations.join(" "), abilities.capacity)
    }

    #[test]
    fn the_firmware_of_a_yubikey_decides_and_that_of_others_does_not() {
        let all = "add rename remove password".to_owned();
        let without_rename = "add remove password".to_owned();
        assert_eq!(of("Yubico", [5, 2, 7], true), (without_rename.clone(), Some(32)));
        assert_eq!(of("Yubico", [5, 4, 3], true), (all.clone(), Some(32)));
        assert_eq!(of("Yubico", [5, 7, 0], true), (all.clone(), Some(64)));
        assert_eq!(of("Yubico", [1, 0, 1], false), (without_rename.clone(), None));
        assert_eq!(of("CanoKeys", [6, 0, 0], false), (all.clone(), Some(100)));
        assert_eq!(of("SoloKeys", [4, 4, 4], false), (without_rename, None));
        assert_eq!(of("", [8, 0, 0], false), (all, None));
    }
}
