//! A credential as its token describes it.

use std::fmt;

use crate::otp::{Algorithm, Digits, Period};

/// A credential on a token.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    /// Its name on the token, and the parts of that name.
    pub name: CredentialName,
    /// The kind of its codes.
    pub kind: Kind,
    /// Its hash algorithm.
    pub algorithm: Algorithm,
    /// The length of its codes; 6 when the token does not report the length.
    pub digits: Digits,
    /// Whether the token reported the length. Each code comes with its own length, so a wrong guess does no harm.
    pub digits_known: bool,
    /// Whether the token requires a touch for each code, also if only its PIN needs the touch.
    pub touch: Touch,
    /// Whether a PIN protects it. The token must verify the PIN before each code, and waits for a touch for that.
    pub is_pin_protected: bool,
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential")
            .field("name", &self.name)
            .field("kind", &self.kind)
            .field("algorithm", &self.algorithm)
            .field("touch", &self.touch)
            .finish_non_exhaustive()
    }
}

/// The name of a credential: its bytes on the token, and the parts for display.
#[derive(Clone, PartialEq, Eq)]
pub struct CredentialName {
    /// The bytes on the token. They identify the credential among the token's other credentials.
    pub bytes: Vec<u8>,
    /// The issuer, fit for display; empty when the name has none.
    pub issuer: String,
    /// The account, fit for display.
    pub account: String,
    /// The period of a code; without meaning for HOTP.
    pub period: Period,
}

impl fmt::Debug for CredentialName {
    /// Issuer and account are private, so logs get the length only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CredentialName({} bytes)", self.bytes.len())
    }
}

/// The kind of a credential's codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Codes from the time (RFC 6238).
    Totp,
    /// Codes from a counter on the token; each code advances the counter (RFC 4226).
    Hotp,
    /// Codes from the time, as five letters: TOTP whose issuer is `Steam`.
    Steam,
}

impl Kind {
    /// The value of the `Type` property on D-Bus: `totp`, `hotp` or `steam`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Totp => "totp",
            Self::Hotp => "hotp",
            Self::Steam => "steam",
        }
    }
}

/// Whether a token calculates only after a touch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Touch {
    /// Each code requires a touch.
    Yes,
    /// The token calculates at once.
    No,
    /// The token does not report this property.
    Unknown,
}

impl Touch {
    /// The value of the `TouchRequired` property on D-Bus: `yes`, `no` or `unknown`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Unknown => "unknown",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_issuer_and_no_account() {
        let name = CredentialName {
            bytes: b"AWS:alice".to_vec(),
            issuer: "AWS".to_owned(),
            account: "alice".to_owned(),
            period: Period::DEFAULT,
        };
        assert_eq!(format!("{name:?}"), "CredentialName(9 bytes)");
    }
}
