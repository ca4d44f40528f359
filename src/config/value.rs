//! What values may be: each function takes a value of one shape and nothing else.

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use http::Uri;
use toml::de::DeValue;

/// A text with something in it, on one line.
pub(super) fn text(value: &DeValue<'_>) -> Option<String> {
    let text = value.as_str()?;
    (!text.is_empty() && !text.chars().any(char::is_control)).then(|| text.to_owned())
}

/// As [`text`], in an array.
pub(super) fn texts(value: &DeValue<'_>) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|value| text(value.get_ref())).collect()
}

/// A whole number within `range`.
pub(super) fn integer(value: &DeValue<'_>, range: RangeInclusive<u32>) -> Option<u32> {
    let integer = value.as_integer()?;
    let number = u32::from_str_radix(integer.as_str(), integer.radix()).ok()?;
    range.contains(&number).then_some(number)
}

/// Seconds, whole or not, within `range`.
pub(super) fn seconds(value: &DeValue<'_>, range: RangeInclusive<f64>) -> Option<Duration> {
    let seconds: f64 = match (value.as_integer(), value.as_float()) {
        (Some(_), _) => integer(value, 0..=u32::MAX)?.into(),
        (_, Some(float)) => float.as_str().parse().ok()?,
        _ => return None,
    };
    if range.contains(&seconds) { Duration::try_from_secs_f64(seconds).ok() } else { None }
}

/// Empty for none, else what `some` takes.
pub(super) fn or_none<T>(
    some: impl FnOnce(&DeValue<'_>) -> Option<T>,
) -> impl FnOnce(&DeValue<'_>) -> Option<Option<T>> {
    move |value| if value.as_str() == Some("") { Some(None) } else { some(value).map(Some) }
}

/// A path from the root of the file system.
pub(super) fn absolute_path(value: &DeValue<'_>) -> Option<PathBuf> {
    let text = text(value)?;
    Path::new(&text).is_absolute().then(|| PathBuf::from(text))
}

/// Where requests may go: `https`, or `http` to a loopback address, which is written as a number so that no
/// name server decides.
pub(super) fn endpoint(value: &DeValue<'_>) -> Option<String> {
    let text = text(value)?;
    let uri = server(&text)?;
    let allowed = match uri.scheme_str() {
        Some("https") => true,
        Some("http") => is_loopback(uri.host()?),
        _ => false,
    };
    (allowed && uri.query().is_none()).then_some(text)
}

/// An HTTP proxy: scheme, host and port, no user.
pub(super) fn proxy(value: &DeValue<'_>) -> Option<String> {
    let text = text(value)?;
    let uri = server(&text)?;
    let plain =
        matches!(uri.scheme_str(), Some("http" | "https")) && uri.path() == "/" && uri.query().is_none();
    plain.then_some(text)
}

/// `us-east-1`, `us-gov-west-1`: words and a number.
pub(super) fn region(value: &DeValue<'_>) -> Option<String> {
    let text = text(value)?;
    is_region(&text).then_some(text)
}

/// `[\w-]+_[0-9a-zA-Z]+`, at most 55 characters (`UserPoolIdType` in the API's model).
pub(super) fn user_pool_id(value: &DeValue<'_>) -> Option<String> {
    let text = text(value)?;
    let (left, right) = text.rsplit_once('_')?;
    let fits = text.len() <= 55
        && all(left, |c| is_word(c) || c == '-')
        && all(right, |c| c.is_ascii_alphanumeric());
    fits.then_some(text)
}

/// `[\w+]+`, at most 128 characters (`ClientIdType` in the API's model).
pub(super) fn client_id(value: &DeValue<'_>) -> Option<String> {
    let text = text(value)?;
    (text.len() <= 128 && all(&text, |c| is_word(c) || c == '+')).then_some(text)
}

/// The name of a credential of systemd's, which becomes that of a file.
pub(super) fn systemd_credential(value: &DeValue<'_>) -> Option<String> {
    let text = text(value)?;
    let fits = text.len() <= 255
        && all(&text, |c| c.is_ascii_graphic() && !matches!(c, '/' | ':'))
        && !all(&text, |c| c == '.');
    fits.then_some(text)
}

/// The id of a token, as in its object path.
pub(super) fn token_id(value: &DeValue<'_>) -> Option<String> {
    let text = text(value)?;
    all(&text, is_word).then_some(text)
}

/// True for what a D-Bus object path can have between two slashes, up to 64 characters.
pub(super) fn is_path_element(name: &str) -> bool {
    name.len() <= 64 && all(name, is_word)
}

pub(super) fn is_region(text: &str) -> bool {
    let Some((words, number)) = text.rsplit_once('-') else { return false };
    text.len() <= 32
        && words.contains('-')
        && words.split('-').all(|word| all(word, |c| c.is_ascii_lowercase()))
        && all(number, |c| c.is_ascii_digit())
}

fn server(text: &str) -> Option<Uri> {
    // The parser drops a fragment without a word.
    let uri: Uri = text.parse().ok().filter(|_| !text.contains('#'))?;
    let authority = uri.authority()?;
    // A port that is no port is dropped likewise.
    let port_fits =
        authority.as_str() == authority.host() || authority.port_u16().is_some_and(|port| port > 0);
    (!authority.host().is_empty() && !authority.as_str().contains('@') && port_fits).then_some(uri)
}

fn is_loopback(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Not empty, and nothing but such characters.
fn all(text: &str, is_allowed: impl Fn(char) -> bool) -> bool {
    !text.is_empty() && text.chars().all(is_allowed)
}
