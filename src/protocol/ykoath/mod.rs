//! YKOATH: Yubico's OATH protocol over ISO 7816, in the variants of YubiKeys, Nitrokeys, CanoKeys, Solos and JavaCards.
//!
//! One [`Session`] is one selection of the application within one transaction; no state stays on the token after it. It
//! implements [`crate::oath::OathSession`]. Tokens deviate from the specification and from each other, and any token may
//! be hostile. So responses are bounded, elements may have any order, and unknown elements are skipped.
//!
//! Source: [the YKOATH protocol specification](https://developers.yubico.com/OATH/YKOATH_Protocol.html).

mod access_key;
mod calculate;
mod calculate_all;
mod chaining;
mod credential_id;
mod error;
mod list;
mod listing;
mod manage;
mod oath_session;
mod pin;
mod select;
mod session;
mod set_code;
#[cfg(test)]
mod tests;
mod validate;

pub use access_key::{derive, device_id};
pub use credential_id::{CredentialId, UnusableName};
pub use select::Selection;
pub use session::Session;

/// The tags of YKOATH's elements.
mod tag {
    pub(super) const NAME: u8 = 0x71;
    pub(super) const LIST_ENTRY: u8 = 0x72;
    pub(super) const KEY: u8 = 0x73;
    pub(super) const CHALLENGE: u8 = 0x74;
    pub(super) const FULL_RESPONSE: u8 = 0x75;
    pub(super) const TRUNCATED_RESPONSE: u8 = 0x76;
    pub(super) const NO_RESPONSE: u8 = 0x77;
    pub(super) const PROPERTY: u8 = 0x78;
    pub(super) const VERSION: u8 = 0x79;
    pub(super) const COUNTER: u8 = 0x7a;
    pub(super) const TOUCH: u8 = 0x7c;
    /// Nitrokey only: a PIN.
    pub(super) const PIN: u8 = 0x80;
    /// Nitrokey only: the number of PIN attempts left.
    pub(super) const ATTEMPTS_LEFT: u8 = 0x82;
    /// Nitrokey only: the serial number.
    pub(super) const SERIAL: u8 = 0x8f;
}
