//! One credential of a token file.

use data_encoding::BASE32_NOPAD;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use zeroize::Zeroizing;

use crate::otp::{Algorithm, Digits, Period};
use crate::secret::{SecretBytes, SecretText};

/// A credential: a `[[token.credential]]` section of the file.
///
/// As on real tokens, Steam has no type of its own: it is a TOTP credential with the issuer `Steam`.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "RawCredential")]
pub struct CredentialSpec {
    /// The service; may be empty.
    pub issuer: String,
    /// The account.
    pub account: String,
    /// The moving factor.
    pub kind: Kind,
    /// The hash algorithm of the HMAC.
    pub algorithm: Algorithm,
    /// The length of a code: 6 to 8 digits.
    pub digits: Digits,
    /// The seed, 1 byte or more.
    pub seed: SecretBytes,
    /// Whether the credential requires a touch.
    pub touch: bool,
    /// Whether the PIN of the token protects the credential.
    pub pin: bool,
}

/// The moving factor of a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The time (RFC 6238).
    Totp(Period),
    /// A counter on the token (RFC 4226), with the value for the next code.
    Hotp(u32),
}

impl CredentialSpec {
    /// The credential's id on the token: `[period/][issuer:]account`, with the period only if it is not 30.
    pub fn id(&self) -> String {
        let period = match self.kind {
            Kind::Totp(period) if period != Period::DEFAULT => format!("{}/", period.seconds()),
            Kind::Totp(_) | Kind::Hotp(_) => String::new(),
        };
        format!("{period}{}", self.label())
    }

    /// The id without its period: `[issuer:]account`.
    pub(in crate::virt) fn label(&self) -> String {
        let issuer = if self.issuer.is_empty() { String::new() } else { format!("{}:", self.issuer) };
        format!("{issuer}{}", self.account)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCredential {
    #[serde(default)]
    issuer: String,
    account: String,
    #[serde(default, rename = "type")]
    kind: RawKind,
    #[serde(default)]
    algorithm: RawAlgorithm,
    #[serde(default)]
    digits: RawDigits,
    period: Option<u32>,
    counter: Option<u32>,
    #[serde(deserialize_with = "seed")]
    seed: SecretBytes,
    #[serde(default)]
    touch: bool,
    #[serde(default)]
    pin: bool,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RawKind {
    #[default]
    Totp,
    Hotp,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum RawAlgorithm {
    #[default]
    Sha1,
    Sha256,
    Sha512,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(try_from = "u8")]
struct RawDigits(Digits);

impl Default for RawDigits {
    fn default() -> Self {
        Self(Digits::SIX)
    }
}

impl TryFrom<u8> for RawDigits {
    type Error = &'static str;

    fn try_from(digits: u8) -> Result<Self, &'static str> {
        match (digits, Digits::new(digits)) {
            (6..=8, Ok(digits)) => Ok(Self(digits)),
            _ => Err("codes must have 6, 7 or 8 digits"),
        }
    }
}

impl TryFrom<RawCredential> for CredentialSpec {
    type Error = &'static str;

    fn try_from(raw: RawCredential) -> Result<Self, &'static str> {
        let kind = match (raw.kind, raw.period, raw.counter) {
            (RawKind::Totp, period, None) => Kind::Totp(
                Period::new(period.unwrap_or(30)).map_err(|_| "a period must be 1 second or more")?,
            ),
            (RawKind::Hotp, None, counter) => Kind::Hotp(counter.unwrap_or(0)),
            (RawKind::Totp, _, Some(_)) => return Err("a TOTP credential has no counter"),
            (RawKind::Hotp, Some(_), _) => return Err("a HOTP credential has no period"),
        };
        let algorithm = match raw.algorithm {
            RawAlgorithm::Sha1 => Algorithm::Sha1,
            RawAlgorithm::Sha256 => Algorithm::Sha256,
            RawAlgorithm::Sha512 => Algorithm::Sha512,
        };
        let RawCredential { issuer, account, digits: RawDigits(digits), seed, touch, pin, .. } = raw;
        let credential = Self { issuer, account, kind, algorithm, digits, seed, touch, pin };
        match credential.id().len() {
            _ if credential.account.is_empty() => Err("an account must not be empty"),
            _ if credential.issuer.contains(':') => Err("an issuer must not contain a colon"),
            1..=64 => Ok(credential),
            _ => Err("period, issuer and account together are longer than 64 bytes"),
        }
    }
}

pub(super) fn seed<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretBytes, D::Error> {
    // Serde's own message would contain the value.
    let refused = || D::Error::custom("a seed must be base32 text of one byte or more, in quotes");
    let text = Zeroizing::new(String::deserialize(deserializer).map_err(|_| refused())?);
    let letters: Zeroizing<Vec<u8>> = Zeroizing::new(
        text.bytes()
            .filter(|byte| !matches!(byte, b' ' | b'='))
            .map(|byte| byte.to_ascii_uppercase())
            .collect(),
    );
    match BASE32_NOPAD.decode(&letters) {
        Ok(seed) if !seed.is_empty() => Ok(SecretBytes::new(seed)),
        _ => Err(refused()),
    }
}

pub(super) fn secret_text<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<SecretText>, D::Error> {
    match String::deserialize(deserializer) {
        Ok(text) => Ok(Some(SecretText::new(text))),
        Err(_) => Err(D::Error::custom("a password or PIN must be text in quotes")),
    }
}
