//! Issuer and account: the label of an otpauth URI, and its parameter `issuer`.

use zeroize::Zeroizing;

use super::error::Error;
use super::query::{Plus, decode};

/// The issuer and the account of a credential.
pub(super) type Names = (Option<String>, String);

/// Issuer and account from the escaped label and the escaped parameter `issuer`.
///
/// A `+` of the label is a plus, because accounts have it (`alice+aws@example.com`), and one of the parameter is a
/// space. Issuers are called different only if no reading of `+` makes them equal. If only spaces for the `+` of the
/// label make them equal, its account is read in the same way.
///
/// # Errors
///
/// [`Error::IssuerMismatch`], [`Error::NotUtf8`] and the errors of [`checked`].
pub(super) fn names(label: &str, parameter: Option<&str>) -> Result<Names, Error> {
    let (prefix, account) = split(label);
    let (issuer, plus) = match (prefix, parameter) {
        (None, None) => (None, Plus::Itself),
        (Some(prefix), None) => (Some(decode(prefix, Plus::Itself)?), Plus::Itself),
        (None, Some(parameter)) => (Some(decode(parameter, Plus::Space)?), Plus::Itself),
        (Some(prefix), Some(parameter)) => {
            let (issuer, plus) = agreed(prefix, parameter)?;
            (Some(issuer), plus)
        }
    };
    checked(issuer.as_deref().map(String::as_str), &decode(account, plus)?)
}

/// The issuer that both name, and the reading of `+` in the label.
fn agreed(prefix: &str, parameter: &str) -> Result<(Zeroizing<String>, Plus), Error> {
    let same = |one: &str, other: &str| one.trim().to_lowercase() == other.trim().to_lowercase();
    if decode(prefix, Plus::Itself)?.trim().is_empty() {
        return Ok((decode(parameter, Plus::Space)?, Plus::Itself));
    }
    // Both in the same notation are a form's or a plain one's; issuers have spaces more often than pluses.
    let readings = [
        (Plus::Itself, Plus::Space, Plus::Itself),
        (Plus::Space, Plus::Space, if prefix == parameter { Plus::Itself } else { Plus::Space }),
        (Plus::Itself, Plus::Itself, Plus::Itself),
        (Plus::Space, Plus::Itself, Plus::Space),
    ];
    for (of_prefix, of_parameter, of_account) in readings {
        let issuer = decode(parameter, of_parameter)?;
        if same(&decode(prefix, of_prefix)?, &issuer) {
            return Ok((issuer, of_account));
        }
    }
    Err(Error::IssuerMismatch)
}

/// The parts of a label before and behind its first colon, which may be escaped.
fn split(label: &str) -> (Option<&str>, &str) {
    let escaped = label.as_bytes().windows(3).position(|bytes| bytes.eq_ignore_ascii_case(b"%3A"));
    let (at, length) = match (label.find(':'), escaped) {
        (Some(plain), Some(escaped)) if escaped < plain => (escaped, 3),
        (Some(plain), _) => (plain, 1),
        (None, Some(escaped)) => (escaped, 3),
        (None, None) => return (None, label),
    };
    (label.get(..at), label.get(at + length..).unwrap_or_default())
}

/// Names without spaces at their ends, fit for a token.
///
/// # Errors
///
/// [`Error::NoAccount`], [`Error::ControlCharacter`], [`Error::ColonInIssuer`], [`Error::ColonInAccount`].
pub(super) fn checked(issuer: Option<&str>, account: &str) -> Result<Names, Error> {
    let (issuer, account) = (issuer.map(str::trim).filter(|issuer| !issuer.is_empty()), account.trim());
    if account.is_empty() {
        return Err(Error::NoAccount);
    }
    if account.chars().chain(issuer.unwrap_or_default().chars()).any(char::is_control) {
        return Err(Error::ControlCharacter);
    }
    if issuer.is_some_and(|issuer| issuer.contains(':')) {
        return Err(Error::ColonInIssuer);
    }
    if issuer.is_none() && account.contains(':') {
        return Err(Error::ColonInAccount);
    }
    Ok((issuer.map(str::to_owned), account.to_owned()))
}
