//! The known tokens, as stored in `tokens.json`. The number of tokens, salts and serial numbers is bounded.

use std::collections::BTreeMap;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::device::Identity;
use crate::oath::TokenId;
use crate::state_file::Content;

/// The maximum number of known tokens.
const MAX_TOKENS: usize = 1_000;

/// The maximum number of salts, and of serial numbers, of one token. A token gets a new salt at each reset.
const MAX_VALUES: usize = 16;

/// The maximum length of a stored salt or serial number, in bytes. A longer value is stored as its SHA-256; YKOATH's salts
/// have 8 bytes.
pub(super) const MAX_VALUE_BYTES: usize = 64;

/// A token moves to the front of the order of use only if at least this many insertions of other tokens came after it, so
/// that the file is not written at each insertion.
const ORDER_STEP: u64 = 100;

/// The begin of a stored serial number of an application.
const OF_APPLICATION: &str = "own:";

/// The values that identify a token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fingerprint {
    /// A salt that changes when the application is reset; YKOATH's has 8 bytes.
    pub salt: Option<Vec<u8>>,
    /// The serial number.
    pub serial: Option<String>,
    /// Whether the serial number is that of the application itself (YKOATH's tag 8F), and not the vendor's. The numbers of
    /// both kinds may be equal although the tokens are not.
    pub is_serial_of_application: bool,
}

/// The known tokens, by id.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Known {
    tokens: BTreeMap<String, Token>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Token {
    /// Salts and serial numbers, oldest first. The serial numbers of an application begin with [`OF_APPLICATION`]; earlier
    /// versions stored them without.
    salts: Vec<String>,
    serials: Vec<String>,
    /// The position in the order of use; the token with the highest number was used last.
    #[serde(default)]
    order: u64,
    /// What the application of the vendor has said, if it was asked and has answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    vendor: Option<VendorAnswer>,
}

/// What the application of a vendor says of a token apart from its serial number. It never changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct VendorAnswer {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    firmware: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    is_yubikey: Option<bool>,
}

impl Content for Known {}

impl Known {
    /// The id of the token of this family with the same salt or, if there is none, with the same serial number of the same
    /// kind.
    pub(super) fn find(&self, family: &str, fingerprint: &Fingerprint) -> Option<TokenId> {
        // A key that is no valid id was not written by the daemon.
        let ids = self.tokens.iter().filter_map(|(id, token)| Some((TokenId::parse(id).ok()?, token)));
        let mut ours = ids.filter(|(id, _)| id.is_of_family(family));
        let by_salt = ours.clone().find(|(_, token)| token.has_salt(fingerprint));
        by_salt.or_else(|| ours.find(|(_, token)| token.is_of(fingerprint))).map(|(id, _)| id)
    }

    /// The newest serial number of the token with this salt.
    pub(super) fn serial(&self, fingerprint: &Fingerprint) -> Option<&str> {
        let token = self.tokens.values().find(|token| token.has_salt(fingerprint))?;
        token.serials.iter().rfind(|serial| !serial.starts_with(OF_APPLICATION)).map(String::as_str)
    }

    /// The answer of the vendor's application of the token with this salt, if it is recorded.
    pub(super) fn vendor_identity(&self, fingerprint: &Fingerprint) -> Option<Identity> {
        let token = self.tokens.values().find(|token| token.has_salt(fingerprint))?;
        let VendorAnswer { firmware, is_yubikey } = token.vendor.clone()?;
        let serial = self.serial(fingerprint).map(str::to_owned);
        Some(Identity { serial, firmware, is_yubikey })
    }

    /// Adds the answer of the vendor's application to a known token.
    pub(super) fn remember_vendor(&mut self, id: &str, identity: &Identity) {
        let Some(token) = self.tokens.get_mut(id) else { return };
        let Identity { firmware, is_yubikey, .. } = identity.clone();
        token.vendor = Some(VendorAnswer { firmware, is_yubikey });
    }

    /// Adds a token, or new values to a known token, and removes the excess.
    pub(super) fn remember(&mut self, id: &str, fingerprint: &Fingerprint) {
        let newest = self.tokens.values().map(|token| token.order).max();
        let is_new = !self.tokens.contains_key(id);
        let token = self.tokens.entry(id.to_owned()).or_default();
        token.add(fingerprint);
        if let Some(newest) = newest
            && (is_new || newest.saturating_sub(token.order) >= ORDER_STEP)
        {
            token.order = newest.saturating_add(1);
        }
        self.forget_oldest(id);
    }

    /// Removes excess tokens. Tokens with a single value are removed first, because their id is derived from that value and
    /// stays the same; then the least recently used tokens.
    fn forget_oldest(&mut self, keep: &str) {
        let excess = self.tokens.len().saturating_sub(MAX_TOKENS);
        if excess == 0 {
            return;
        }
        let others = self.tokens.iter().filter(|(id, _)| *id != keep);
        let mut order: Vec<_> =
            others.map(|(id, token)| (token.values() > 1, token.order, id.clone())).collect();
        order.sort_unstable();
        for (_, _, id) in order.into_iter().take(excess) {
            self.tokens.remove(&id);
        }
    }
}

impl Token {
    fn has_salt(&self, fingerprint: &Fingerprint) -> bool {
        fingerprint.salt.as_deref().is_some_and(|salt| self.salts.contains(&salt_value(salt)))
    }

    fn has_serial(&self, fingerprint: &Fingerprint) -> bool {
        serial_value(fingerprint).is_some_and(|serial| self.serials.contains(&serial))
    }

    /// Whether the token has the same serial number of the same kind. An earlier version stored no kind, but a salt of each token
    /// with a vendor's number that has one.
    fn is_of(&self, fingerprint: &Fingerprint) -> bool {
        let is_bare = self.salts.is_empty();
        match fingerprint.is_serial_of_application {
            true => {
                let vendors = Fingerprint { is_serial_of_application: false, ..fingerprint.clone() };
                self.has_serial(fingerprint) || (is_bare && self.has_serial(&vendors))
            }
            false => self.has_serial(fingerprint) && (!is_bare || fingerprint.salt.is_none()),
        }
    }

    fn add(&mut self, fingerprint: &Fingerprint) {
        if let Some(salt) = fingerprint.salt.as_deref().filter(|_| !self.has_salt(fingerprint)) {
            self.salts.push(salt_value(salt));
        }
        if let Some(serial) = serial_value(fingerprint).filter(|_| !self.has_serial(fingerprint)) {
            self.serials.push(serial);
        }
        keep_newest(&mut self.salts);
        keep_newest(&mut self.serials);
    }

    fn values(&self) -> usize {
        self.salts.len().saturating_add(self.serials.len())
    }
}

fn keep_newest(values: &mut Vec<String>) {
    let excess = values.len().saturating_sub(MAX_VALUES);
    values.drain(..excess);
}

fn salt_value(salt: &[u8]) -> String {
    if salt.len() > MAX_VALUE_BYTES { hash(salt) } else { HEXLOWER.encode(salt) }
}

fn serial_value(fingerprint: &Fingerprint) -> Option<String> {
    let serial = fingerprint.serial.as_ref().filter(|serial| !serial.is_empty())?;
    let value = if serial.len() > MAX_VALUE_BYTES { hash(serial.as_bytes()) } else { serial.clone() };
    Some(if fingerprint.is_serial_of_application { format!("{OF_APPLICATION}{value}") } else { value })
}

fn hash(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fingerprint(salt: u64, serial: Option<u64>) -> Fingerprint {
        Fingerprint {
            salt: Some(salt.to_be_bytes().to_vec()),
            serial: serial.map(|serial| serial.to_string()),
            is_serial_of_application: false,
        }
    }

    fn length(known: &Known) -> usize {
        serde_json::to_vec_pretty(known).unwrap().len()
    }

    #[test]
    fn a_token_with_many_salts_keeps_its_id_in_bounded_space() {
        let mut known = Known::default();
        for salt in 0..10_000 {
            let token = fingerprint(salt, Some(7));
            let id = known.find("ykoath", &token).unwrap_or_else(|| TokenId::new("ykoath", "first"));
            assert_eq!(id.as_str(), "ykoath_first");
            known.remember(id.as_str(), &token);
        }
        assert!(length(&known) < 1_000, "{known:?}");
        assert_eq!(known.serial(&fingerprint(9_999, None)), Some("7"));
    }

    #[test]
    fn tokens_without_a_serial_number_are_removed_first() {
        let mut known = Known::default();
        known.remember("ykoath_mine", &fingerprint(1, Some(7)));
        for salt in 2..2_000 {
            known.remember(&format!("ykoath_{salt:04}"), &fingerprint(salt, None));
        }
        assert_eq!(known.tokens.len(), MAX_TOKENS);
        assert_eq!(known.find("ykoath", &fingerprint(9_999, Some(7))).unwrap().as_str(), "ykoath_mine");
    }

    #[test]
    fn the_least_recently_used_token_is_removed_first() {
        let mut known = Known::default();
        known.remember("ykoath_unused", &fingerprint(0, Some(0)));
        for serial in 1..2_000 {
            known.remember(&format!("ykoath_{serial}"), &fingerprint(serial, Some(serial)));
            known.remember("ykoath_used", &fingerprint(9_999, Some(9_999)));
        }
        assert_eq!(known.tokens.len(), MAX_TOKENS);
        assert!(known.tokens.contains_key("ykoath_used") && known.tokens.contains_key("ykoath_1999"));
        assert!(!known.tokens.contains_key("ykoath_unused"));
        assert!(length(&known) < 1 << 20);
    }

    #[test]
    fn a_repeated_insertion_changes_nothing() {
        let mut known = Known::default();
        for _ in 0..3 {
            known.remember("ykoath_a", &fingerprint(1, Some(1)));
            known.remember("ykoath_b", &fingerprint(2, Some(2)));
        }
        let orders: Vec<_> = known.tokens.values().map(|token| token.order).collect();
        assert_eq!(orders, [0, 1]);
    }

    #[test]
    fn long_values_are_stored_as_their_hash() {
        let mut known = Known::default();
        let (salt, serial) = (Some(vec![7; 60_000]), Some("8".repeat(60_000)));
        let long = Fingerprint { salt, serial, is_serial_of_application: false };
        known.remember("ykoath_long", &long);
        assert!(length(&known) < 1_000);
        assert_eq!(known.find("ykoath", &long).unwrap().as_str(), "ykoath_long");
        assert_eq!(
            known.find("ykoath", &Fingerprint { salt: None, ..long }).unwrap().as_str(),
            "ykoath_long"
        );
    }

    #[test]
    fn a_serial_number_without_its_kind_is_that_of_the_application_if_there_is_no_salt() {
        let own = Fingerprint {
            serial: Some("12345678".to_owned()),
            is_serial_of_application: true,
            ..Fingerprint::default()
        };
        let of_vendor = fingerprint(1, Some(12_345_678));
        // The file of an earlier version.
        let old =
            r#"{ "tokens": { "ykoath_12345678": { "salts": [], "serials": ["12345678"], "order": 3 } } }"#;
        let mut known: Known = serde_json::from_str(old).unwrap();
        assert_eq!(known.find("ykoath", &of_vendor), None);
        assert_eq!(known.find("ykoath", &own).unwrap().as_str(), "ykoath_12345678");
        known.remember("ykoath_12345678", &own);
        known.remember("ykoath_salted", &of_vendor);
        let after_reset = Fingerprint { salt: Some(vec![9; 8]), ..of_vendor };
        assert_eq!(known.find("ykoath", &after_reset).unwrap().as_str(), "ykoath_salted");
        assert_eq!(known.find("ykoath", &own).unwrap().as_str(), "ykoath_12345678");
        assert_eq!(known.serial(&fingerprint(1, None)), Some("12345678"));
    }
}
