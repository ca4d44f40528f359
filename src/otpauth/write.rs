//! The otpauth URI of a credential, as the daemon takes it.

use std::fmt::Write;

use data_encoding::BASE32_NOPAD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use zeroize::Zeroizing;

use super::credential::NewCredential;
use crate::oath::Kind;

/// Everything but the unreserved characters (RFC 3986 §2.3), so that no reader finds a `+` or a space.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The URI of a credential; [`super::parse`] reads an equal one from it.
pub fn to_uri(credential: &NewCredential) -> Zeroizing<String> {
    let NewCredential { issuer, account, secret, kind, algorithm, digits, period, counter } = credential;
    let names = 3 * (2 * issuer.as_ref().map_or(0, String::len) + account.len());
    // Full size from the start, because growing the buffer would leave unwiped copies in memory.
    let mut uri = Zeroizing::new(String::with_capacity(names + 2 * secret.expose().len() + 160));
    uri.push_str("otpauth://");
    uri.push_str(kind.word());
    uri.push('/');
    if let Some(issuer) = issuer {
        uri.extend(utf8_percent_encode(issuer, ESCAPED));
        uri.push(':');
    }
    uri.extend(utf8_percent_encode(account, ESCAPED));
    uri.push_str("?secret=");
    BASE32_NOPAD.encode_append(secret.expose(), &mut uri);
    if let Some(issuer) = issuer {
        uri.push_str("&issuer=");
        uri.extend(utf8_percent_encode(issuer, ESCAPED));
    }
    // Writing to a String never fails.
    let _ = write!(uri, "&algorithm={algorithm}&digits={}", digits.get());
    let _ = match kind {
        Kind::Hotp => write!(uri, "&counter={counter}"),
        Kind::Totp | Kind::Steam => write!(uri, "&period={}", period.seconds()),
    };
    uri
}
