//! A credential that is to be written to a token.

use std::fmt;

use super::Kind;
use crate::otp::{Algorithm, Digits, Period};
use crate::secret::SecretBytes;

/// A new credential.
#[derive(Clone, PartialEq, Eq)]
pub struct NewCredential {
    /// The issuer; empty if there is none.
    pub issuer: String,
    /// The account.
    pub account: String,
    /// The kind of its codes. The codes of Steam are TOTP for the token.
    pub kind: Kind,
    /// The hash algorithm.
    pub algorithm: Algorithm,
    /// The length of its codes: 6 to 8 digits.
    pub digits: Digits,
    /// The period of a code; without meaning for HOTP.
    pub period: Period,
    /// The first value of the counter of HOTP.
    pub counter: u32,
    /// Whether the token shall require a touch for each code.
    pub touch: bool,
    /// The key of the HMAC.
    pub key: SecretBytes,
}

impl fmt::Debug for NewCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewCredential")
            .field("kind", &self.kind)
            .field("algorithm", &self.algorithm)
            .field("digits", &self.digits)
            .field("touch", &self.touch)
            .finish_non_exhaustive()
    }
}
