//! The stable ids of tokens and of their credentials.

use std::fmt;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::CredentialName;

/// The length of a hash in an id, in bytes.
const HASH_LENGTH: usize = 8;

/// The maximum length of an id, in bytes. Ids of callers may end up in the journal.
pub const MAX_ID_BYTES: usize = 200;

/// The id of a token: `<family>_<value>`, made of the characters that an object path may hold. Clones share the text.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenId(Arc<str>);

impl TokenId {
    /// The id of a token of `family` that is identified by `value`; other characters than letters and digits of
    /// `value` become `_xx`.
    pub fn new(family: &str, value: &str) -> Self {
        Self(format!("{family}_{}", escape(value)).into())
    }

    /// The id of a token of `family` that is identified by bytes without a text form: 16 hexadecimal characters of
    /// their SHA-256.
    pub fn of_hash(family: &str, bytes: &[u8]) -> Self {
        Self(format!("{family}_{}", data_encoding::HEXLOWER.encode(&short_hash(bytes))).into())
    }

    /// The id of the `count`th token that claims to be this one: the same id with a number behind it.
    pub fn duplicate(&self, count: usize) -> Self {
        Self(format!("{self}_{count}").into())
    }

    /// An id as the daemon gave it out before.
    ///
    /// # Errors
    ///
    /// [`InvalidId`] when the text is empty, has more than 200 bytes or a character that no object path holds.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        match (1..=MAX_ID_BYTES).contains(&text.len()) && text.bytes().all(fits) {
            true => Ok(Self(text.into())),
            false => Err(InvalidId),
        }
    }

    /// Whether the token belongs to this family.
    pub fn is_of_family(&self, family: &str) -> bool {
        self.0.strip_prefix(family).is_some_and(|value| value.starts_with('_'))
    }

    /// The text of the id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The id of a credential's object: the id of its token, and 8 bytes of a hash of its name on the token. It reveals no
/// account.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId {
    token: TokenId,
    hash: [u8; HASH_LENGTH],
}

impl ObjectId {
    /// The id of the credential with this name on this token.
    pub fn new(token: &TokenId, name: &CredentialName) -> Self {
        Self { token: token.clone(), hash: short_hash(&name.bytes) }
    }

    /// An id in its text form, `<token id>_<16 hexadecimal characters>`.
    ///
    /// # Errors
    ///
    /// [`InvalidId`] for any other text.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        let (token, hash) = text.rsplit_once('_').ok_or(InvalidId)?;
        let hash = data_encoding::HEXLOWER.decode(hash.as_bytes()).map_err(|_| InvalidId)?;
        let hash = hash.try_into().map_err(|_| InvalidId)?;
        Ok(Self { token: TokenId::parse(token)?, hash })
    }

    /// The token of the credential.
    pub fn token(&self) -> &TokenId {
        &self.token
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}", self.token, data_encoding::HEXLOWER.encode(&self.hash))
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is no id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not the id of a token or credential")]
pub struct InvalidId;

/// The first 8 bytes of SHA-256.
fn short_hash(bytes: &[u8]) -> [u8; HASH_LENGTH] {
    let digest: [u8; 32] = Sha256::digest(bytes).into();
    digest.first_chunk().copied().unwrap_or_default()
}

/// The characters that an object path may hold, and `_xx` for every other byte.
fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' => escaped.push(char::from(byte)),
            _ => escaped.push_str(&format!("_{byte:02x}")),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::otp::Period;

    fn name(bytes: &[u8]) -> CredentialName {
        let (issuer, account) = (String::new(), String::new());
        CredentialName { bytes: bytes.to_vec(), issuer, account, period: Period::DEFAULT }
    }

    #[test]
    fn ids_have_the_documented_form() {
        let salted = TokenId::of_hash("ykoath", &[1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(salted.as_str(), "ykoath_66840dda154e8a11");
        assert_eq!(TokenId::new("nitrokey3", "a1-b2").as_str(), "nitrokey3_a1_2db2");
        assert_eq!(salted.duplicate(2).as_str(), "ykoath_66840dda154e8a11_2");
        assert!(salted.is_of_family("ykoath") && !salted.is_of_family("ykoat"));
        // SHA-256("AWS:alice") begins so.
        let id = ObjectId::new(&salted, &name(b"AWS:alice"));
        assert!(id.to_string().starts_with("ykoath_66840dda154e8a11_"));
        assert_eq!(id.to_string().len(), salted.as_str().len() + 17);
    }

    #[test]
    fn an_id_reads_back_also_when_its_token_is_a_duplicate() {
        let token = TokenId::of_hash("ykoath", b"salt").duplicate(2);
        let id = ObjectId::new(&token, &name(b"alice"));
        assert_eq!(ObjectId::parse(&id.to_string()), Ok(id.clone()));
        assert_eq!(id.token(), &token);
    }

    #[test]
    fn other_texts_are_no_ids() {
        for text in ["", "_", "ykoath", "ykoath_0011", "ykoath_1_0011223344556677AA", "a/b_0011223344556677"]
        {
            assert_eq!(ObjectId::parse(text), Err(InvalidId), "{text}");
        }
        assert!(TokenId::parse("a-b").is_err() && TokenId::parse("").is_err());
    }
}
