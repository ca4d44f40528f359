//! `[hid]`: tokens that are used over HID.

use serde::Deserialize;
use serde::de::Deserializer;

use super::error::{Error, Problem};
use super::layers::Layers;
use super::value::{checked, integer, switch, tables, text, text_or_empty};

/// The settings for tokens over HID.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Hid {
    /// Whether to use tokens over HID.
    #[serde(deserialize_with = "switch")]
    pub enabled: bool,
    /// Whether to use the FIDO interface of Nitrokey 3 keys.
    #[serde(deserialize_with = "switch")]
    pub fido: bool,
    /// The slots to use for codes, in order.
    #[serde(rename = "otp_slot", deserialize_with = "tables")]
    pub otp_slots: Vec<OtpSlot>,
}

/// `[[hid.otp_slot]]`: a slot of a YubiKey or OnlyKey that answers HMAC-SHA1 challenges.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OtpSlot {
    /// The serial number of the key.
    #[serde(deserialize_with = "serial")]
    pub serial: u32,
    /// The slot, 1 or 2.
    #[serde(deserialize_with = "slot")]
    pub slot: u8,
    /// The issuer; may be empty.
    #[serde(default, deserialize_with = "issuer")]
    pub issuer: String,
    /// The account.
    #[serde(deserialize_with = "account")]
    pub account: String,
    /// The length of a code: 6 to 8 digits.
    #[serde(default = "six", deserialize_with = "digits")]
    pub digits: u8,
    /// The period of a code in seconds.
    #[serde(default = "thirty", deserialize_with = "period")]
    pub period: u32,
}

impl Default for Hid {
    fn default() -> Self {
        Self { enabled: true, fido: true, otp_slots: Vec::new() }
    }
}

impl Hid {
    /// Whether FIDO interfaces are in use.
    pub fn uses_fido(&self) -> bool {
        self.enabled && self.fido
    }

    /// Whether at least one slot is in use.
    pub fn uses_slots(&self) -> bool {
        self.enabled && !self.otp_slots.is_empty()
    }

    /// The error of the first slot that is configured twice.
    pub(super) fn error(&self, layers: &Layers<'_>) -> Option<Error> {
        let is_again = |(place, slot): &(usize, &OtpSlot)| {
            self.otp_slots
                .iter()
                .take(*place)
                .any(|other| (other.serial, other.slot) == (slot.serial, slot.slot))
        };
        let (place, _) = self.otp_slots.iter().enumerate().find(is_again)?;
        Some(layers.error(&["hid", "otp_slot", &place.to_string()], Problem::SameSlot))
    }
}

fn serial<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    checked(deserializer, "the serial number on the key, without quotes", Some)
}

fn slot<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u8, D::Error> {
    checked(deserializer, "1 or 2", |slot| matches!(slot, 1 | 2).then_some(slot))
}

fn issuer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    text_or_empty(deserializer, "a text on one line", |_| true).map(Option::unwrap_or_default)
}

fn account<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    text(deserializer, "a text on one line, not empty", |_| true)
}

fn digits<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u8, D::Error> {
    checked(deserializer, "6, 7 or 8", |digits| matches!(digits, 6..=8).then_some(digits))
}

fn period<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    integer(deserializer, "a number of seconds from 1 to 3600", 1..=3_600)
}

const fn six() -> u8 {
    6
}

const fn thirty() -> u32 {
    30
}
