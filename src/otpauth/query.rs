//! The parts of a URI: percent escapes, and the parameters behind the question mark (RFC 3986 §2.1, §3.4).

use percent_encoding::percent_decode;
use zeroize::Zeroizing;

use super::error::Error;

/// What a `+` stands for. HTML forms and Go's `net/url` write a space as `+`; RFC 3986 gives `+` no meaning.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Plus {
    /// A space.
    Space,
    /// Itself.
    Itself,
}

/// The text of an escaped part.
///
/// # Errors
///
/// [`Error::NotUtf8`].
pub(super) fn decode(part: &str, plus: Plus) -> Result<Zeroizing<String>, Error> {
    let mut escaped = Zeroizing::new(Vec::with_capacity(part.len()));
    escaped.extend(part.bytes().map(|byte| if byte == b'+' && plus == Plus::Space { b' ' } else { byte }));
    // Decoding never makes a text longer, so the buffer is not moved, and no unwiped copy stays.
    let mut bytes = Vec::with_capacity(part.len());
    bytes.extend(percent_decode(&escaped));
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Zeroizing::new(text)),
        Err(error) => {
            drop(Zeroizing::new(error.into_bytes()));
            Err(Error::NotUtf8)
        }
    }
}

/// What is behind the scheme, which has no case (RFC 3986 §3.1).
pub(super) fn after_scheme<'a>(text: &'a str, scheme: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(scheme.len())?;
    start.eq_ignore_ascii_case(scheme).then_some(rest)
}

/// The raw value of a parameter, whose name is compared without case. An empty value counts as no value, as in Python's
/// `parse_qs`.
///
/// # Errors
///
/// [`Error::Repeated`]: other programs disagree on which of two values counts.
pub(super) fn value<'a>(query: &'a str, name: &'static str) -> Result<Option<&'a str>, Error> {
    let mut values = query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .filter(|(key, value)| key.eq_ignore_ascii_case(name) && !value.is_empty())
        .map(|(_, value)| value);
    let first = values.next();
    match values.next() {
        Some(_) => Err(Error::Repeated(name)),
        None => Ok(first),
    }
}
