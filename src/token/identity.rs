//! Stable ids of tokens, which survive restarts of the daemon.
//!
//! The id is derived from the salt of a new token or, without a salt, from its serial number. It is stored with all salts
//! and serial numbers of the token, so that a token keeps its id when a reset changes its salt. A serial number is stored
//! with its kind: that of the vendor, or that of the application.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, Weak};

pub use super::known::Fingerprint;
use super::known::{Known, MAX_VALUE_BYTES};
use crate::device::Identity;
use crate::oath::{SelfDescription, TokenId};
use crate::state_file::{Error, StateFile};
use crate::sync::IgnorePoison;

/// The known tokens and their ids.
#[derive(Clone, Debug)]
pub struct Identities {
    file: Arc<StateFile>,
    turns: Turns,
}

/// The turns of the tokens with a device, by id.
type Turns = Arc<Mutex<BTreeMap<TokenId, Weak<Mutex<()>>>>>;

impl Identities {
    /// The known tokens in `tokens.json` in this state folder.
    pub fn new(directory: PathBuf) -> Self {
        Self { file: Arc::new(StateFile::new(directory, "tokens")), turns: Turns::default() }
    }

    /// The serial number of a known token with this salt, if it is recorded.
    pub fn known_serial(&self, fingerprint: &Fingerprint) -> Option<String> {
        let known: Known = self.file.read().ok()?;
        known.serial(fingerprint).filter(|serial| is_serial(serial)).map(str::to_owned)
    }

    /// What the application of its vendor has said of a known token with this salt, if that is recorded.
    pub(super) fn known_vendor_identity(&self, fingerprint: &Fingerprint) -> Option<Identity> {
        let known: Known = self.file.read().ok()?;
        known.vendor_identity(fingerprint)
    }

    /// Records what the application of its vendor says of a token, so that the token is asked for it once and its model stays
    /// the same.
    pub(super) fn remember_vendor(&self, id: &TokenId, identity: &Identity) {
        let remembered = self.file.update_or_restart(|known: &mut Known| {
            known.remember_vendor(id.as_str(), identity);
            Ok::<_, Error>(())
        });
        if let Err(error) = remembered {
            tracing::warn!("the file of known tokens can't be used: {error}");
        }
    }

    /// The lock of a session with a token, which all its devices share.
    pub(super) fn turn(&self, id: &TokenId) -> Arc<Mutex<()>> {
        let mut turns = self.turns.lock().ignore_poison();
        turns.retain(|_, turn| turn.strong_count() > 0);
        let known = turns.get(id).and_then(Weak::upgrade);
        known.unwrap_or_else(|| {
            let turn = Arc::default();
            turns.insert(id.clone(), Arc::downgrade(&turn));
            turn
        })
    }

    /// The id of a token, `<family>_<value>`. It is derived from `fallback` if the token has neither salt nor serial number.
    ///
    /// If the state file is unusable, the id is derived from this fingerprint alone. A damaged file is renamed.
    pub fn resolve(&self, family: &str, fingerprint: &Fingerprint, fallback: impl AsRef<[u8]>) -> TokenId {
        let fallback = fallback.as_ref();
        let remembered = self.file.update_or_restart(|known: &mut Known| {
            let id =
                known.find(family, fingerprint).unwrap_or_else(|| fresh_id(family, fingerprint, fallback));
            known.remember(id.as_str(), fingerprint);
            Ok::<_, Error>(id)
        });
        remembered.unwrap_or_else(|error| {
            tracing::warn!("the file of known tokens can't be used: {error}");
            fresh_id(family, fingerprint, fallback)
        })
    }
}

impl Fingerprint {
    /// The values that the application reports.
    pub(super) fn of_application(description: &SelfDescription) -> Self {
        let serial = description.serial.clone().filter(|serial| is_serial(serial));
        Self { salt: description.salt.clone(), is_serial_of_application: serial.is_some(), serial }
    }
}

/// Whether a serial number is one. All tokens without a serial number of their own may report zero.
pub(super) fn is_serial(serial: &str) -> bool {
    serial.chars().any(|digit| digit != '0')
}

fn fresh_id(family: &str, fingerprint: &Fingerprint, fallback: &[u8]) -> TokenId {
    match (&fingerprint.salt, &fingerprint.serial) {
        // The first half of the device id of yubikey-manager, in hexadecimal.
        (Some(salt), _) => TokenId::of_hash(family, salt),
        (None, Some(serial)) if serial.len() > MAX_VALUE_BYTES => TokenId::of_hash(family, serial.as_bytes()),
        (None, Some(serial)) => TokenId::new(family, serial),
        (None, None) => TokenId::of_hash(family, fallback),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fingerprint(salt: Option<&[u8]>, serial: Option<&str>) -> Fingerprint {
        Fingerprint {
            salt: salt.map(<[u8]>::to_vec),
            serial: serial.map(str::to_owned),
            is_serial_of_application: false,
        }
    }

    #[test]
    fn a_salt_makes_the_id_and_a_reset_keeps_it() {
        let directory = tempfile::tempdir().unwrap();
        let first = Identities::new(directory.path().to_owned());
        let before = fingerprint(Some(&[1, 2, 3, 4, 5, 6, 7, 8]), Some("12345678"));
        assert_eq!(first.known_serial(&before), None);
        // The SHA-256 of the salt begins with 66 84 0d da, as does the device id ZoQN2h… of yubikey-manager.
        assert_eq!(first.resolve("ykoath", &before, "").as_str(), "ykoath_66840dda154e8a11");
        assert_eq!(
            first.known_serial(&fingerprint(before.salt.as_deref(), None)),
            Some("12345678".to_owned())
        );

        let second = Identities::new(directory.path().to_owned());
        let after = fingerprint(Some(&[9; 8]), Some("12345678"));
        assert_eq!(second.resolve("ykoath", &after, "").as_str(), "ykoath_66840dda154e8a11");
        assert_eq!(
            second.resolve("ykoath", &fingerprint(Some(&[9; 8]), None), "").as_str(),
            "ykoath_66840dda154e8a11"
        );
    }

    #[test]
    fn without_salt_the_serial_makes_the_id() {
        let directory = tempfile::tempdir().unwrap();
        let identities = Identities::new(directory.path().to_owned());
        assert_eq!(
            identities.resolve("nitrokey3", &fingerprint(None, Some("a1-b2")), "").as_str(),
            "nitrokey3_a1_2db2"
        );
        let long = identities.resolve("nitrokey3", &fingerprint(None, Some(&"a".repeat(60_000))), "");
        assert_eq!(long.as_str().len(), "nitrokey3_0011223344556677".len());
        assert_ne!(
            identities.resolve("ykoath", &fingerprint(None, None), "reader A"),
            identities.resolve("ykoath", &fingerprint(None, None), "reader B"),
        );
    }

    #[test]
    fn a_serial_number_of_zero_is_none() {
        let of = |serial: &str| SelfDescription { serial: Some(serial.to_owned()), ..Default::default() };
        for serial in ["", "0", "00000000"] {
            assert_eq!(Fingerprint::of_application(&of(serial)), Fingerprint::default(), "{serial:?}");
            let directory = tempfile::tempdir().unwrap();
            let identities = Identities::new(directory.path().to_owned());
            // Earlier versions have stored it.
            identities.resolve("ykoath", &fingerprint(Some(&[1; 8]), Some(serial)), "");
            assert_eq!(identities.known_serial(&fingerprint(Some(&[1; 8]), None)), None);
        }
        assert_eq!(Fingerprint::of_application(&of("10")).serial.as_deref(), Some("10"));
    }

    #[test]
    fn equal_serial_numbers_of_a_vendor_and_of_an_application_are_two_tokens() {
        let of_vendor = fingerprint(Some(&[1, 2, 3, 4, 5, 6, 7, 8]), Some("12345678"));
        let own = Fingerprint { is_serial_of_application: true, ..fingerprint(None, Some("12345678")) };
        let expected = ["ykoath_66840dda154e8a11", "ykoath_12345678"];
        for order in [[0, 1, 0, 1], [1, 0, 1, 0]] {
            let directory = tempfile::tempdir().unwrap();
            let identities = Identities::new(directory.path().to_owned());
            for place in order {
                let id = identities.resolve("ykoath", [&of_vendor, &own][place], "");
                assert_eq!(id.as_str(), expected[place], "{order:?}");
            }
        }
    }

    #[test]
    fn devices_of_one_token_share_a_turn() {
        let directory = tempfile::tempdir().unwrap();
        let identities = Identities::new(directory.path().to_owned());
        let [one, other] = ["a", "b"].map(|value| TokenId::new("ykoath", value));
        let first = identities.clone().turn(&one);
        let _taken = first.lock().unwrap();
        assert!(identities.turn(&one).try_lock().is_err());
        assert!(identities.turn(&other).try_lock().is_ok());
        identities.turn(&one);
        assert_eq!(identities.turns.lock().unwrap().len(), 1, "a turn that nothing uses is forgotten");
    }

    #[test]
    fn a_damaged_file_is_renamed_and_replaced() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("tokens.json"), "nonsense").unwrap();
        let identities = Identities::new(directory.path().to_owned());
        let id = identities.resolve("ykoath", &fingerprint(Some(&[1, 2, 3, 4, 5, 6, 7, 8]), Some("1")), "");
        assert_eq!(id.as_str(), "ykoath_66840dda154e8a11");
        let after_reset = identities.resolve("ykoath", &fingerprint(Some(&[9; 8]), Some("1")), "");
        assert_eq!(after_reset, id, "the file is written again");
        let aside = std::fs::read_to_string(directory.path().join("tokens.json.damaged"));
        assert_eq!(aside.unwrap(), "nonsense");
    }

    #[test]
    fn a_file_that_is_too_large_is_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("tokens.json");
        let salts = vec!["0011223344556677"; 1_000_000];
        let grown = serde_json::json!({
            "version": 1, "tokens": { "ykoath_0": { "salts": salts, "serials": [] } }
        });
        std::fs::write(&file, grown.to_string()).unwrap();
        let identities = Identities::new(directory.path().to_owned());
        let before = identities.resolve("ykoath", &fingerprint(Some(&[1; 8]), Some("7")), "");
        assert_eq!(identities.resolve("ykoath", &fingerprint(Some(&[2; 8]), Some("7")), ""), before);
        assert!(std::fs::metadata(&file).unwrap().len() < 1_000);
    }
}
