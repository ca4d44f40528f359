//! Validation of values: each function accepts values of one form.

use std::fmt;
use std::marker::PhantomData;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use http::Uri;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};

/// The start of the message about a value, before the required form.
pub(super) const MUST_BE: &str = "must be ";

/// The message about the permission that is planned for a later version.
pub(super) const ASK: &str = "can't be \"ask\"";

/// The message about a profile's name.
pub(super) const NOT_A_NAME: &str = "not the name of a profile";

/// A value of type `V` that `check` accepts as a `shape`. Serde's own message would contain the value.
pub(super) fn checked<'de, D: Deserializer<'de>, V: Deserialize<'de>, T>(
    deserializer: D,
    shape: &str,
    check: impl FnOnce(V) -> Option<T>,
) -> Result<T, D::Error> {
    let value = V::deserialize(deserializer).ok().and_then(check);
    value.ok_or_else(|| must_be(shape))
}

/// The error for a value that is not a `shape`.
pub(super) fn must_be<E: serde::de::Error>(shape: &str) -> E {
    E::custom(format_args!("{MUST_BE}{shape}"))
}

/// `true` or `false`.
pub(super) fn switch<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    checked(deserializer, "true or false", Some)
}

/// A whole number within `range`.
pub(super) fn integer<'de, D: Deserializer<'de>>(
    deserializer: D,
    shape: &str,
    range: RangeInclusive<u32>,
) -> Result<u32, D::Error> {
    checked(deserializer, shape, |number| range.contains(&number).then_some(number))
}

/// Seconds within `range`, whole or fractional.
pub(super) fn seconds<'de, D: Deserializer<'de>>(
    deserializer: D,
    range: RangeInclusive<f64>,
) -> Result<Duration, D::Error> {
    let shape = format!("a number of seconds from {} to {}", range.start(), range.end());
    checked(deserializer, &shape, |seconds| {
        if range.contains(&seconds) { Duration::try_from_secs_f64(seconds).ok() } else { None }
    })
}

/// A text on one line that is not empty and for which `fits` is true.
pub(super) fn text<'de, D: Deserializer<'de>>(
    deserializer: D,
    shape: &str,
    fits: impl FnOnce(&str) -> bool,
) -> Result<String, D::Error> {
    checked(deserializer, shape, |text: String| (is_line(&text) && fits(&text)).then_some(text))
}

/// Like [`text`]; an empty text is `None`.
pub(super) fn text_or_empty<'de, D: Deserializer<'de>>(
    deserializer: D,
    shape: &str,
    fits: impl FnOnce(&str) -> bool,
) -> Result<Option<String>, D::Error> {
    checked(deserializer, shape, |text: String| {
        if text.is_empty() { Some(None) } else { (is_line(&text) && fits(&text)).then_some(Some(text)) }
    })
}

/// An absolute path; an empty text is `None`.
pub(super) fn path_or_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PathBuf>, D::Error> {
    let path = text_or_empty(deserializer, "empty or an absolute path", |path| Path::new(path).is_absolute());
    Ok(path?.map(PathBuf::from))
}

/// A section.
pub(super) fn section<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Table::deserialize(deserializer).map(|Table(section)| section)
}

/// An array of tables, such as `[[access.rule]]`.
pub(super) fn tables<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    let tables = Vec::<Table<T>>::deserialize(deserializer)?;
    Ok(tables.into_iter().map(|Table(table)| table).collect())
}

/// A table. A derived type would also accept an array.
pub(super) struct Table<T>(pub(super) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Table<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(TableVisitor(PhantomData))
    }
}

struct TableVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for TableVisitor<T> {
    type Value = Table<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Table)
    }
}

/// Not empty, and without control characters.
pub(super) fn is_line(text: &str) -> bool {
    !text.is_empty() && !text.chars().any(char::is_control)
}

/// A valid endpoint: `https`, or `http` to a loopback address, which must be a number so that no name server is involved.
pub(super) fn is_endpoint(text: &str) -> bool {
    server(text).is_some_and(|uri| {
        let allowed = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => uri.host().is_some_and(is_loopback),
            _ => false,
        };
        allowed && uri.query().is_none()
    })
}

/// An HTTP proxy: scheme, host and port, no user.
pub(super) fn is_proxy(text: &str) -> bool {
    server(text).is_some_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https")) && uri.path() == "/" && uri.query().is_none()
    })
}

/// `us-east-1`, `us-gov-west-1`: words and a number.
pub(super) fn is_region(text: &str) -> bool {
    let Some((words, number)) = text.rsplit_once('-') else { return false };
    text.len() <= 32
        && words.contains('-')
        && words.split('-').all(|word| all(word, |c| c.is_ascii_lowercase()))
        && all(number, |c| c.is_ascii_digit())
}

/// `[\w-]+_[0-9a-zA-Z]+`, at most 55 characters (`UserPoolIdType` in the API's model).
pub(super) fn is_user_pool_id(text: &str) -> bool {
    text.rsplit_once('_').is_some_and(|(left, right)| {
        text.len() <= 55 && all(left, |c| is_word(c) || c == '-') && all(right, |c| c.is_ascii_alphanumeric())
    })
}

/// `[\w+]+`, at most 128 characters (`ClientIdType` in the API's model).
pub(super) fn is_client_id(text: &str) -> bool {
    text.len() <= 128 && all(text, |c| is_word(c) || c == '+')
}

/// The name of a systemd credential, which is also the name of its file.
pub(super) fn is_systemd_credential(text: &str) -> bool {
    text.len() <= 255
        && all(text, |c| c.is_ascii_graphic() && !matches!(c, '/' | ':'))
        && !all(text, |c| c == '.')
}

/// The id of a token, as in its object path.
pub(super) fn is_token_id(text: &str) -> bool {
    all(text, is_word)
}

/// Whether the text is a valid element of a D-Bus object path, with at most 64 characters.
pub(super) fn is_path_element(name: &str) -> bool {
    name.len() <= 64 && all(name, is_word)
}

fn server(text: &str) -> Option<Uri> {
    // The parser silently drops a fragment.
    let uri: Uri = text.parse().ok().filter(|_| !text.contains('#'))?;
    let authority = uri.authority()?;
    // It also drops an invalid port.
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

/// Whether the text is not empty and has only allowed characters.
fn all(text: &str, is_allowed: impl Fn(char) -> bool) -> bool {
    !text.is_empty() && text.chars().all(is_allowed)
}
