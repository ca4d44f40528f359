//! otpauth URIs (google-authenticator, wiki "Key Uri Format").

use super::credential::{NewCredential, STEAM};
use super::error::Error;
use super::query::{Plus, after_scheme, decode, value};
use super::seed::seed;
use super::{label, migration};
use crate::oath::{Algorithm, Kind};
use crate::otp::{Digits, Period};

/// The beginning of each URI.
const SCHEME: &str = "otpauth://";

/// Whether a text is an otpauth URI or a migration payload, right or wrong. Everything else may be a bare seed.
pub fn is_uri(text: &str) -> bool {
    migration::is_migration(text) || after_scheme(text.trim(), SCHEME).is_some()
}

/// The credential of an otpauth URI, or of a migration payload with one account.
///
/// # Errors
///
/// [`Error`] says what is wrong with the URI, without its text.
pub fn parse(text: &str) -> Result<NewCredential, Error> {
    let text = text.trim();
    if migration::is_migration(text) {
        let mut credentials = migration::split(text)?.into_iter();
        return match (credentials.next(), credentials.next()) {
            (Some(credential), None) => Ok(credential),
            _ => Err(Error::SeveralAccounts),
        };
    }
    let rest = after_scheme(text, SCHEME).ok_or(Error::NotOtpauth)?;
    let rest = rest.split('#').next().unwrap_or_default();
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (kind, label) = path.split_once('/').unwrap_or((path, ""));
    let kind = kind_of(kind)?;
    let (issuer, account) = label::names(label, value(query, "issuer")?)?;
    let (kind, issuer) = steam(kind, issuer, query)?;
    let secret = decode(value(query, "secret")?.ok_or(Error::NoSecret)?, Plus::Space)?;
    Ok(NewCredential {
        issuer,
        account,
        secret: seed(&secret)?,
        kind,
        algorithm: value(query, "algorithm")?.map_or(Ok(Algorithm::Sha1), algorithm)?,
        digits: digits(kind, query)?,
        period: period(kind, query)?,
        counter: counter(kind, query)?,
    })
}

fn kind_of(word: &str) -> Result<Kind, Error> {
    let kinds = [Kind::Totp, Kind::Hotp, Kind::Steam];
    kinds.into_iter().find(|kind| word.eq_ignore_ascii_case(kind.word())).ok_or(Error::UnknownType)
}

/// TOTP of the issuer `Steam`, or with KeePassXC's `encoder=steam`, is Steam's; tokens know it by its issuer.
fn steam(kind: Kind, issuer: Option<String>, query: &str) -> Result<(Kind, Option<String>), Error> {
    let is_encoder = value(query, "encoder")?.is_some_and(|encoder| encoder.eq_ignore_ascii_case("steam"));
    let is_issuer = issuer.as_ref().is_some_and(|issuer| issuer.eq_ignore_ascii_case(STEAM));
    match kind {
        Kind::Hotp => Ok((kind, issuer)),
        Kind::Totp if !is_encoder && !is_issuer => Ok((kind, issuer)),
        Kind::Totp | Kind::Steam if is_issuer || issuer.is_none() => {
            Ok((Kind::Steam, Some(STEAM.to_owned())))
        }
        Kind::Totp | Kind::Steam => Err(Error::SteamIssuer),
    }
}

/// The algorithm of a name such as `SHA256`, `sha-256` or `HmacSHA256`.
fn algorithm(raw: &str) -> Result<Algorithm, Error> {
    let mut name = decode(raw, Plus::Space)?.to_ascii_uppercase();
    name.retain(|letter| !matches!(letter, '-' | '_' | ' '));
    match name.strip_prefix("HMAC").unwrap_or(&name) {
        "SHA1" | "SHA" => Ok(Algorithm::Sha1),
        "SHA256" => Ok(Algorithm::Sha256),
        "SHA512" => Ok(Algorithm::Sha512),
        _ => Err(Error::UnsupportedAlgorithm),
    }
}

fn digits(kind: Kind, query: &str) -> Result<Digits, Error> {
    let Some(digits) = value(query, "digits")? else { return Ok(Digits::SIX) };
    match (kind, number(digits)) {
        // Steam's codes have five letters, and tokens store 6 for them.
        (Kind::Steam, Some(5 | 6)) => Ok(Digits::SIX),
        (Kind::Steam, _) => Err(Error::UnsupportedDigits),
        (_, digits) => digits
            .filter(|digits| (6..=8).contains(digits))
            .and_then(|digits| u8::try_from(digits).ok())
            .and_then(|digits| Digits::new(digits).ok())
            .ok_or(Error::UnsupportedDigits),
    }
}

fn period(kind: Kind, query: &str) -> Result<Period, Error> {
    let period = value(query, "period")?.filter(|_| kind != Kind::Hotp);
    let Some(period) = period else { return Ok(Period::DEFAULT) };
    number(period)
        .and_then(|seconds| u32::try_from(seconds).ok())
        .and_then(|seconds| Period::new(seconds).ok())
        .ok_or(Error::UnsupportedPeriod)
}

/// HOTP without a counter begins with 0, as in ykman and pyotp.
fn counter(kind: Kind, query: &str) -> Result<u64, Error> {
    let counter = value(query, "counter")?.filter(|_| kind == Kind::Hotp);
    counter.map_or(Ok(0), |counter| number(counter).ok_or(Error::UnsupportedCounter))
}

/// A decimal number; `parse` alone would accept a sign.
fn number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}
