//! The name under which programs keep the keys of a token's passwords.

use data_encoding::BASE64_NOPAD;
use sha2::{Digest, Sha256};

use crate::oath::SelfDescription;

/// The number of bytes of the hash that count.
const BYTES: usize = 16;

/// The device id of a token with a salt for its passwords, as yubikit computes it. A Trussed key has a PIN instead.
pub(super) fn device_id(description: &SelfDescription) -> Option<String> {
    let salt = description.salt.as_ref().filter(|_| !description.is_trussed)?;
    let hash = Sha256::digest(salt);
    Some(BASE64_NOPAD.encode(hash.get(..BYTES)?))
}
