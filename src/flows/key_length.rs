//! The length of Cognito's keys, which some tokens cannot hold.

use crate::registry::Attached;

/// The length of the keys of Cognito in bytes (AssociateSoftwareToken: 52 characters of base32).
pub(super) const KEY_BYTES: usize = 32;

/// The maximum length of the token's keys in bytes, if it is too short for Cognito.
pub(super) fn too_short(token: &Attached) -> Option<usize> {
    token.info.max_key.filter(|bytes| *bytes < KEY_BYTES)
}
