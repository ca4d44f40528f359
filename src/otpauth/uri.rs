//! `otpauth:` URIs.

use percent_encoding::percent_decode_str;
use zeroize::Zeroizing;

use super::{Error, seed};
use crate::oath::{Algorithm, Kind, NewCredential};
use crate::otp::{Digits, Period};
use crate::secret::SecretBytes;

const SCHEME: &str = "otpauth://";

/// The issuer of Steam, whose codes are TOTP with five letters.
const STEAM: &str = "Steam";

/// Whether a text is a URI of a one-time password, right or wrong. Everything else may be a bare seed.
pub fn is_uri(text: &str) -> bool {
    text.trim_start().get(..SCHEME.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(SCHEME))
}

/// The credential of a URI. It requires no touch, because a URI cannot say so.
///
/// # Errors
///
/// Any [`Error`].
pub fn parse(text: &str) -> Result<NewCredential, Error> {
    let rest = text.trim().get(SCHEME.len()..).filter(|_| is_uri(text)).ok_or(Error::Kind)?;
    let rest = rest.split('#').next().unwrap_or_default();
    let (path, query) = rest.split_once('?').ok_or(Error::NoSecret)?;
    let (kind, label) = path.split_once('/').ok_or(Error::NoAccount)?;
    let parameters = Parameters::read(query)?;
    let (issuer, account) = names(label, parameters.issuer)?;
    let kind = match kind.to_ascii_lowercase().as_str() {
        "totp" if issuer == STEAM => Kind::Steam,
        "totp" => Kind::Totp,
        "hotp" => Kind::Hotp,
        "steam" => Kind::Steam,
        _ => return Err(Error::Kind),
    };
    Ok(NewCredential {
        issuer: if kind == Kind::Steam { STEAM.to_owned() } else { issuer },
        account,
        kind,
        algorithm: parameters.algorithm.map_or(Ok(Algorithm::Sha1), algorithm)?,
        digits: digits(kind, parameters.digits)?,
        period: match (kind, parameters.period) {
            (Kind::Hotp, _) | (_, None) => Period::DEFAULT,
            (_, Some(text)) => period(text).ok_or(Error::Value("period"))?,
        },
        counter: match (kind, parameters.counter) {
            // The specification demands one, and many programs leave a first value of 0 out.
            (Kind::Hotp, Some(text)) => text.parse().map_err(|_| Error::Value("counter"))?,
            _ => 0,
        },
        touch: false,
        key: parameters.secret,
    })
}

/// The values of the parameters. Unknown ones are ignored, such as images and colours.
struct Parameters<'u> {
    secret: SecretBytes,
    issuer: Option<&'u str>,
    algorithm: Option<&'u str>,
    digits: Option<&'u str>,
    period: Option<&'u str>,
    counter: Option<&'u str>,
}

impl<'u> Parameters<'u> {
    fn read(query: &'u str) -> Result<Self, Error> {
        let value = |wanted: &'static str| {
            let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            let mut values = pairs.filter(|(key, _)| key.eq_ignore_ascii_case(wanted));
            let first = values.next().map(|(_, value)| value).filter(|value| !value.is_empty());
            if values.next().is_some() { Err(Error::Twice(wanted)) } else { Ok(first) }
        };
        let secret = decoded(value("secret")?.ok_or(Error::NoSecret)?)?;
        Ok(Self {
            secret: seed(&secret)?,
            issuer: value("issuer")?,
            algorithm: value("algorithm")?,
            digits: value("digits")?,
            period: value("period")?,
            counter: value("counter")?,
        })
    }
}

/// Issuer and account, from the label and from the parameter `issuer`, which has priority.
///
/// A plus may be a space or a plus. In the label it is a plus, as in `alice+aws@example.com`, and in the parameter a space. If the
/// other reading of one of them makes both equal, that one is right.
fn names(label: &str, issuer: Option<&str>) -> Result<(String, String), Error> {
    let label = text(label)?;
    let (prefix, account) = match label.split_once(':') {
        Some((prefix, account)) => (prefix.trim(), account.trim()),
        None => ("", label.trim()),
    };
    if account.is_empty() {
        return Err(Error::NoAccount);
    }
    let issuer = match issuer {
        Some(raw) => {
            let (plain, spaced) = (text(raw)?, text(&raw.replace('+', " "))?);
            let is_plain = plain.trim() == prefix;
            if is_plain { plain.trim().to_owned() } else { spaced.trim().to_owned() }
        }
        None => prefix.to_owned(),
    };
    Ok((issuer, account.to_owned()))
}

fn algorithm(text: &str) -> Result<Algorithm, Error> {
    let letters: String = text.chars().filter(char::is_ascii_alphanumeric).collect();
    match letters.to_ascii_uppercase().trim_start_matches("HMAC") {
        "SHA1" => Ok(Algorithm::Sha1),
        "SHA256" => Ok(Algorithm::Sha256),
        "SHA512" => Ok(Algorithm::Sha512),
        _ => Err(Error::Value("algorithm")),
    }
}

/// Codes of Steam have five letters, and are stored with six digits.
fn digits(kind: Kind, text: Option<&str>) -> Result<Digits, Error> {
    match text.filter(|_| kind != Kind::Steam) {
        None => Ok(Digits::SIX),
        Some(text) => match text.parse() {
            Ok(digits @ 6..=8) => Digits::new(digits).map_err(|_| Error::Value("digits")),
            _ => Err(Error::Value("digits")),
        },
    }
}

fn period(text: &str) -> Option<Period> {
    Period::new(text.parse().ok()?).ok()
}

fn text(encoded: &str) -> Result<String, Error> {
    decoded(encoded).map(|text| text.to_string())
}

fn decoded(encoded: &str) -> Result<Zeroizing<String>, Error> {
    // Growing the buffer would leave unwiped copies of the seed.
    let mut bytes = Zeroizing::new(Vec::with_capacity(encoded.len()));
    bytes.extend(percent_decode_str(encoded));
    let bytes = std::mem::take(&mut *bytes);
    String::from_utf8(bytes).map(Zeroizing::new).map_err(|error| {
        drop(Zeroizing::new(error.into_bytes()));
        Error::Encoding
    })
}
