//! Seeds in base32 (RFC 4648 §6).

use std::sync::LazyLock;

use data_encoding::{Encoding, Specification};
use zeroize::Zeroizing;

use super::Error;
use crate::secret::SecretBytes;

/// The lengths of seeds in bytes. yubikey-manager takes two bytes and more; a longer seed than the block of SHA-512 is hashed.
const LENGTHS: std::ops::RangeInclusive<usize> = 2..=128;

/// Base32 without padding, whose spare bits in the last letter are ignored. Some programs set them.
static BASE32: LazyLock<Option<Encoding>> = LazyLock::new(|| {
    let mut specification = Specification::new();
    specification.symbols.push_str("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567");
    specification.check_trailing_bits = false;
    specification.encoding().ok()
});

/// The bytes of a seed. Lower case, spaces, hyphens and padding are accepted, and a plus, which is
/// a space of some URIs.
///
/// # Errors
///
/// [`Error::NotBase32`] or [`Error::SeedLength`].
pub fn seed(text: &str) -> Result<SecretBytes, Error> {
    let mut letters = Zeroizing::new(Vec::with_capacity(text.len()));
    let text = text.trim().trim_end_matches('=');
    letters.extend(
        text.bytes().filter(|byte| !matches!(byte, b' ' | b'-' | b'+')).map(|byte| byte.to_ascii_uppercase()),
    );
    let encoding = BASE32.as_ref().ok_or(Error::NotBase32)?;
    let length = encoding.decode_len(letters.len()).map_err(|_| Error::NotBase32)?;
    let mut bytes = Zeroizing::new(vec![0; length]);
    let decoded = encoding.decode_mut(&letters, &mut bytes).map_err(|_| Error::NotBase32)?;
    if !LENGTHS.contains(&decoded) {
        return Err(Error::SeedLength { bytes: decoded });
    }
    bytes.truncate(decoded);
    Ok(SecretBytes::new(std::mem::take(&mut *bytes)))
}
