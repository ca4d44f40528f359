//! One slot of a token file.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

use super::credential;
use crate::secret::SecretBytes;

/// The longest key of a slot, in bytes.
const MAX_KEY: usize = 20;

/// A slot for HMAC-SHA1 challenges: a `[[token.otp-slot]]` section of the file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OtpSlotSpec {
    /// The slot, 1 or 2.
    #[serde(deserialize_with = "number")]
    pub slot: u8,
    /// The key, 1 to 20 bytes.
    #[serde(deserialize_with = "seed")]
    pub seed: SecretBytes,
    /// Whether a challenge requires a touch.
    #[serde(default)]
    pub touch: bool,
}

/// Checks that no slot is there twice.
pub(super) fn check(slots: &[OtpSlotSpec]) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    match slots.iter().find(|slot| !seen.insert(slot.slot)) {
        Some(twice) => Err(format!("slot {} is described twice", twice.slot)),
        None => Ok(()),
    }
}

fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u8, D::Error> {
    match u8::deserialize(deserializer) {
        Ok(slot @ 1..=2) => Ok(slot),
        _ => Err(D::Error::custom("a slot must be 1 or 2")),
    }
}

fn seed<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretBytes, D::Error> {
    let seed = credential::seed(deserializer)?;
    if seed.expose().len() > MAX_KEY {
        return Err(D::Error::custom("the seed of a slot must have at most 20 bytes"));
    }
    Ok(seed)
}
