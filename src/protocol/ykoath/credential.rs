//! A credential as its token describes it.

use std::fmt;

use super::CredentialId;
use crate::otp::{Algorithm, Digits, Period};

/// A credential on a token.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    /// Its name on the token.
    pub id: CredentialId,
    /// What it calculates.
    pub kind: Kind,
    /// Its hash algorithm.
    pub algorithm: Algorithm,
    /// The length of its codes; 6 when the token doesn't tell.
    pub digits: Digits,
    /// Whether the token told the length. Each code comes with its own, so a guess harms nobody.
    pub digits_known: bool,
    /// Whether a code wants a touch.
    pub touch: Touch,
    /// Who issued it; empty when its name doesn't say. Fit for display.
    pub issuer: String,
    /// Whose it is. Fit for display.
    pub account: String,
    /// How long a code lasts; without meaning for HOTP.
    pub period: Period,
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential")
            .field("id", &self.id)
            .field("kind", &self.kind)
            .field("algorithm", &self.algorithm)
            .field("touch", &self.touch)
            .finish_non_exhaustive()
    }
}

/// What a credential calculates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// From the time (RFC 6238).
    Totp,
    /// From a counter on the token, which each code moves on (RFC 4226).
    Hotp,
    /// From the time, as five letters: TOTP whose issuer is `Steam`.
    Steam,
}

/// Whether a token calculates only when somebody touches it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Touch {
    /// It does.
    Yes,
    /// It calculates at once.
    No,
    /// The token doesn't tell: HOTP, and tokens without CALCULATE ALL.
    Unknown,
}
