//! The access key that is derived from a password.

use data_encoding::BASE64_NOPAD;
use pbkdf2::pbkdf2_hmac_array;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::oath::UnlockKey;
use crate::otp::Algorithm;
use crate::secret::{SecretBytes, SecretText};

/// The access key of a password, 16 bytes: PBKDF2-HMAC-SHA1 (RFC 8018), 1000 iterations; the salt is the one of SELECT.
pub fn derive(password: &SecretText, salt: &[u8]) -> UnlockKey {
    let key = Zeroizing::new(pbkdf2_hmac_array::<Sha1, 16>(password.expose().as_bytes(), salt, 1000));
    UnlockKey::new(SecretBytes::new(key.to_vec()))
}

/// The response to a challenge: HMAC-SHA1, 20 bytes.
pub(super) fn answer(key: &UnlockKey, challenge: &[u8]) -> Zeroizing<Vec<u8>> {
    Algorithm::Sha1.hmac(key.expose(), challenge)
}

/// The name under which Yubico's programs store a token's password: base64 of the first half of the salt's SHA-256.
pub fn device_id(salt: &[u8]) -> String {
    let digest = Sha256::digest(salt);
    let (half, _) = digest.split_at(16);
    BASE64_NOPAD.encode(half)
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;

    use super::*;

    fn derived(password: &str, salt: &[u8]) -> String {
        HEXLOWER.encode(derive(&password.into(), salt).expose())
    }

    /// The vectors of yubikit's unit tests, and one computed by hand.
    #[test]
    fn keys_equal_the_known_vectors() {
        assert_eq!(derived("foobar", &[0; 8]), "b07da1e7de87f89a87a2b598eaa2188c");
        assert_eq!(derived("Hallå världen!", b"12345678"), "da818e6b2cf0a2d0bf19b3ddd34b83f5");
        assert_eq!(derived("correct horse", &[1, 2, 3, 4, 5, 6, 7, 8]), "49561f12fb17065dd680fc5a61d740a6");
    }

    #[test]
    fn the_device_id_equals_that_of_yubico_s_programs() {
        assert_eq!(device_id(&[1, 2, 3, 4, 5, 6, 7, 8]), "ZoQN2hVOihE8Md0K0y9/Og");
    }
}
