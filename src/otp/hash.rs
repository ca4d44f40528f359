//! The three hash algorithms of RFC 6238 §1.2.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use zeroize::Zeroizing;

/// The hash algorithm of a credential's HMAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// HMAC-SHA-1, 20 bytes; the only one that Cognito supports.
    Sha1,
    /// HMAC-SHA-256, 32 bytes.
    Sha256,
    /// HMAC-SHA-512, 64 bytes.
    Sha512,
}

impl Algorithm {
    /// HMAC (RFC 2104) of `message` under `key`, 20, 32 or 64 bytes.
    pub fn hmac(self, key: &[u8], message: &[u8]) -> Zeroizing<Vec<u8>> {
        match self {
            Self::Sha1 => mac::<Hmac<Sha1>>(key, message),
            Self::Sha256 => mac::<Hmac<Sha256>>(key, message),
            Self::Sha512 => mac::<Hmac<Sha512>>(key, message),
        }
    }
}

fn mac<M: Mac + KeyInit>(key: &[u8], message: &[u8]) -> Zeroizing<Vec<u8>> {
    // HMAC accepts keys of any length, so this error cannot occur; an empty digest is harmless.
    let Ok(mac) = <M as KeyInit>::new_from_slice(key) else {
        return Zeroizing::new(Vec::new());
    };
    Zeroizing::new(mac.chain_update(message).finalize().into_bytes().to_vec())
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
            Self::Sha512 => "SHA512",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ykneo-oath's unit vector: key 0B×20, challenge 00…01.
    #[test]
    fn hmac_sha1_of_a_step() {
        let mac = Algorithm::Sha1.hmac(&[0x0b; 20], &1_u64.to_be_bytes());
        assert_eq!(data_encoding::HEXLOWER.encode(&mac), "b399bdfc9d05d12ac435c4c8d6cbd247c40a30f1");
    }
}
