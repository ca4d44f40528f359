//! Google Authenticator's export: `otpauth-migration://offline?data=` and base64 of a Protocol Buffers message.
//!
//! Google does not document the message. The field numbers are those of the published readers of such exports
//! (`dim13/otpauth`, `scito/extract_otp_secrets`), which agree.

use data_encoding::BASE64_NOPAD;
use zeroize::Zeroizing;

use super::credential::{NewCredential, STEAM};
use super::error::Error;
use super::label;
use super::query::{Plus, after_scheme, decode, value};
use super::wire::{Value, fields};
use crate::oath::{Algorithm, Kind};
use crate::otp::{Digits, Period};
use crate::secret::SecretBytes;

/// The start of each payload.
const SCHEME: &str = "otpauth-migration://";

/// One migration payload. An export of many accounts has several, each in a QR code of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    /// The accounts in this payload, at least one.
    pub credentials: Vec<NewCredential>,
    /// The place of this payload in its export, from 0 on.
    pub batch_index: u64,
    /// The number of payloads of the export, at least 1.
    pub batch_size: u64,
}

/// Whether the text begins as a migration payload.
pub fn is_migration(text: &str) -> bool {
    after_scheme(text.trim(), SCHEME).is_some()
}

/// The accounts of a migration payload, at least one.
///
/// # Errors
///
/// As [`read`].
pub fn split(text: &str) -> Result<Vec<NewCredential>, Error> {
    read(text).map(|payload| payload.credentials)
}

/// A migration payload.
///
/// # Errors
///
/// [`Error::NotOtpauth`], [`Error::DamagedMigration`], [`Error::EmptyMigration`], and what is wrong with an account.
pub fn read(text: &str) -> Result<Payload, Error> {
    let rest = after_scheme(text.trim(), SCHEME).ok_or(Error::NotOtpauth)?;
    let rest = rest.split('#').next().unwrap_or_default();
    let query = rest.split_once('?').map_or("", |(_, query)| query);
    let message = base64(value(query, "data")?.ok_or(Error::EmptyMigration)?)?;
    let mut payload = Payload { credentials: Vec::new(), batch_index: 0, batch_size: 1 };
    for field in fields(&message).ok_or(Error::DamagedMigration)? {
        match field {
            (1, Value::Bytes(account)) => payload.credentials.push(credential(account)?),
            (3, Value::Number(size)) => payload.batch_size = size.max(1),
            (4, Value::Number(index)) => payload.batch_index = index,
            _ => {}
        }
    }
    match payload.credentials.is_empty() {
        true => Err(Error::EmptyMigration),
        false => Ok(payload),
    }
}

/// The bytes of the parameter `data`. A form decoder turns its `+` into a space; some programs write base64url.
fn base64(raw: &str) -> Result<Zeroizing<Vec<u8>>, Error> {
    let text = decode(raw, Plus::Itself)?;
    let mut letters = Zeroizing::new(Vec::with_capacity(text.len()));
    letters.extend(text.trim_end_matches('=').bytes().map(|byte| match byte {
        b' ' | b'-' => b'+',
        b'_' => b'/',
        byte => byte,
    }));
    let length = BASE64_NOPAD.decode_len(letters.len()).map_err(|_| Error::DamagedMigration)?;
    let mut bytes = Zeroizing::new(vec![0; length]);
    let written = BASE64_NOPAD.decode_mut(&letters, &mut bytes).map_err(|_| Error::DamagedMigration)?;
    bytes.truncate(written);
    Ok(bytes)
}

/// The fields of the message `OtpParameters`; 0 stands for a field that is missing.
#[derive(Default)]
struct Account<'a> {
    secret: &'a [u8],
    name: &'a [u8],
    issuer: &'a [u8],
    algorithm: u64,
    digits: u64,
    kind: u64,
    counter: u64,
}

fn credential(message: &[u8]) -> Result<NewCredential, Error> {
    let mut account = Account::default();
    for field in fields(message).ok_or(Error::DamagedMigration)? {
        match field {
            (1, Value::Bytes(secret)) => account.secret = secret,
            (2, Value::Bytes(name)) => account.name = name,
            (3, Value::Bytes(issuer)) => account.issuer = issuer,
            (4, Value::Number(algorithm)) => account.algorithm = algorithm,
            (5, Value::Number(digits)) => account.digits = digits,
            (6, Value::Number(kind)) => account.kind = kind,
            (7, Value::Number(counter)) => account.counter = counter,
            _ => {}
        }
    }
    if account.secret.is_empty() {
        return Err(Error::EmptySecret);
    }
    let (issuer, name) = names(&account)?;
    let kind = kind(account.kind, issuer.as_deref())?;
    Ok(NewCredential {
        issuer: if kind == Kind::Steam { Some(STEAM.to_owned()) } else { issuer },
        account: name,
        secret: SecretBytes::new(account.secret.to_vec()),
        kind,
        algorithm: algorithm(account.algorithm)?,
        digits: digits(kind, account.digits)?,
        period: Period::DEFAULT,
        counter: if kind == Kind::Hotp { counter(account.counter)? } else { 0 },
    })
}

/// The field `issuer` counts. The name may repeat it in front; without the field, that is the issuer.
fn names(account: &Account<'_>) -> Result<label::Names, Error> {
    let text = |bytes| std::str::from_utf8(bytes).map_err(|_| Error::NotUtf8);
    let (name, issuer) = (text(account.name)?, text(account.issuer)?.trim());
    match name.split_once(':') {
        Some((prefix, rest)) if issuer.is_empty() || prefix.trim().eq_ignore_ascii_case(issuer) => {
            label::checked(Some(if issuer.is_empty() { prefix } else { issuer }), rest)
        }
        _ => label::checked(Some(issuer), name),
    }
}

/// `OtpType`; the app itself has no other types than HOTP and TOTP, and tokens know Steam by its issuer.
fn kind(number: u64, issuer: Option<&str>) -> Result<Kind, Error> {
    match number {
        1 => Ok(Kind::Hotp),
        0 | 2 if issuer.is_some_and(|issuer| issuer.eq_ignore_ascii_case(STEAM)) => Ok(Kind::Steam),
        0 | 2 => Ok(Kind::Totp),
        _ => Err(Error::UnknownType),
    }
}

/// `Algorithm`; 4 is MD5.
fn algorithm(number: u64) -> Result<Algorithm, Error> {
    match number {
        0 | 1 => Ok(Algorithm::Sha1),
        2 => Ok(Algorithm::Sha256),
        3 => Ok(Algorithm::Sha512),
        _ => Err(Error::UnsupportedAlgorithm),
    }
}

/// `DigitCount`; it is no number of digits. The codes of Steam have five letters, and tokens store 6 for them.
fn digits(kind: Kind, number: u64) -> Result<Digits, Error> {
    match number {
        0 | 1 => Ok(Digits::SIX),
        2 if kind != Kind::Steam => Ok(Digits::EIGHT),
        _ => Err(Error::UnsupportedDigits),
    }
}

/// An `int64`: the upper half of the numbers are the negative ones.
fn counter(number: u64) -> Result<u64, Error> {
    i64::try_from(number).map(|_| number).map_err(|_| Error::UnsupportedCounter)
}
