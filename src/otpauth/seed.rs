//! Seeds as base32 text (RFC 4648 §6), as people copy them.

use data_encoding::Specification;
use zeroize::Zeroizing;

use super::error::Error;
use crate::secret::SecretBytes;

/// The bytes of a base32 seed. Accepts both cases, spaces, hyphens, padding or none, and any spare bits in the last
/// letter: Cognito's seeds have 52 letters, which are 256 bits and 4 spare ones.
///
/// # Errors
///
/// [`Error::EmptySecret`]; [`Error::NotBase32`] for other characters or a length that base32 never has.
pub fn seed(text: &str) -> Result<SecretBytes, Error> {
    let mut letters = Zeroizing::new(Vec::with_capacity(text.len()));
    let is_separator = |byte: &u8| byte.is_ascii_whitespace() || *byte == b'-';
    letters.extend(text.bytes().filter(|byte| !is_separator(byte)).map(|byte| byte.to_ascii_uppercase()));
    while letters.last() == Some(&b'=') {
        letters.pop();
    }
    let mut specification = Specification::new();
    specification.symbols.push_str("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567");
    specification.check_trailing_bits = false;
    let encoding = specification.encoding().map_err(|_| Error::NotBase32)?;
    let length = encoding.decode_len(letters.len()).map_err(|_| Error::NotBase32)?;
    let mut bytes = Zeroizing::new(vec![0; length]);
    let written = encoding.decode_mut(&letters, &mut bytes).map_err(|_| Error::NotBase32)?;
    match bytes.get(..written) {
        None | Some([]) => Err(Error::EmptySecret),
        Some(bytes) => Ok(SecretBytes::new(bytes.to_vec())),
    }
}
