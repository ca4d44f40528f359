//! A credential that is not on a token yet.

use std::fmt;

use crate::oath::{Algorithm, Kind};
use crate::otp::{Digits, Period};
use crate::secret::SecretBytes;

/// The issuer by which tokens and programs recognise Steam's codes.
pub(super) const STEAM: &str = "Steam";

/// A credential to write to a token.
#[derive(Clone, PartialEq, Eq)]
pub struct NewCredential {
    /// The issuer: not empty, without a colon and without control characters. `Steam` for [`Kind::Steam`].
    pub issuer: Option<String>,
    /// The account: not empty, without control characters. A token may limit the length of the whole name.
    pub account: String,
    /// The seed, at least one byte.
    pub secret: SecretBytes,
    /// The kind of its codes.
    pub kind: Kind,
    /// The hash algorithm.
    pub algorithm: Algorithm,
    /// The length of its codes; 6 for Steam, whose codes have five letters.
    pub digits: Digits,
    /// The period of a code; without meaning for HOTP.
    pub period: Period,
    /// The first moving factor of HOTP; 0 for the other kinds.
    pub counter: u64,
}

impl fmt::Debug for NewCredential {
    /// Issuer and account are private, and the seed is secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewCredential")
            .field("kind", &self.kind)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}
