//! Types for secrets: wiped on drop, not printed by `Debug`, compared in constant time.
//!
//! The wiping allocator of the binaries covers what these types cannot reach: the copies in libraries.

mod app_client;

use std::fmt;
use std::io::{self, ErrorKind, Read};
use std::os::fd::OwnedFd;

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

pub use app_client::{CredentialFault, is_client_secret, read_client_secret, read_credential};

/// Secret bytes: seeds, access keys, passwords.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct SecretBytes(Vec<u8>);

impl SecretBytes {
    /// Takes ownership of the bytes.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes. Keep the borrow short, and do not copy them.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl PartialEq for SecretBytes {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for SecretBytes {}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBytes(..)")
    }
}

/// Secret text: passwords, access tokens, sessions, codes.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct SecretText(String);

impl SecretText {
    /// Takes ownership of the text.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text. Keep the borrow short, and do not copy it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The bytes as text.
    ///
    /// # Errors
    ///
    /// [`NotUtf8`]; the bytes are then wiped.
    pub fn from_utf8(bytes: Vec<u8>) -> Result<Self, NotUtf8> {
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Self(text)),
            Err(error) => {
                drop(Zeroizing::new(error.into_bytes()));
                Err(NotUtf8)
            }
        }
    }
}

impl From<&str> for SecretText {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl PartialEq for SecretText {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for SecretText {}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(..)")
    }
}

/// Reads a secret to its end, and removes one final line break.
///
/// # Errors
///
/// Errors of the source, and [`ErrorKind::InvalidData`] for more than `limit` bytes.
pub fn read_to_end(mut source: impl Read, limit: usize) -> io::Result<Zeroizing<Vec<u8>>> {
    // Full size from the start, because growing the buffer would leave unwiped copies in memory.
    let mut buffer = Zeroizing::new(vec![0; limit.saturating_add(1)]);
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match source.read(rest) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    if filled > limit {
        return Err(ErrorKind::InvalidData.into());
    }
    buffer.truncate(filled);
    if buffer.last() == Some(&b'\n') {
        buffer.pop();
        if buffer.last() == Some(&b'\r') {
            buffer.pop();
        }
    }
    Ok(buffer)
}

/// A sealed memfd with a secret, to pass it to another process. Its offset is at the start.
///
/// # Errors
///
/// The system has no memory or no descriptor left.
pub fn sealed(secret: &[u8]) -> io::Result<OwnedFd> {
    let fd = memfd_create("oathbridge", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
    let (mut rest, mut written) = (secret, 0);
    while !rest.is_empty() {
        // pwrite does not move the offset, so it stays at the start.
        let count = rustix::io::pwrite(&fd, rest, written)?;
        rest = rest.get(count..).unwrap_or_default();
        written += u64::try_from(count).unwrap_or_default();
    }
    fcntl_add_seals(&fd, SealFlags::SEAL | SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE)?;
    Ok(fd)
}

/// The bytes of a secret are not UTF-8 text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not UTF-8 text")]
pub struct NotUtf8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_contains_no_secret() {
        assert_eq!(format!("{:?}", SecretText::from("hunter2")), "SecretText(..)");
        assert_eq!(format!("{:?}", SecretBytes::new(vec![0x42])), "SecretBytes(..)");
    }

    #[test]
    fn comparison_covers_content_and_length() {
        assert_eq!(SecretText::from("a"), SecretText::from("a"));
        assert_ne!(SecretText::from("a"), SecretText::from("b"));
        assert_ne!(SecretBytes::new(vec![1]), SecretBytes::new(vec![1, 1]));
    }

    #[test]
    fn a_secret_is_read_to_its_end_without_one_line_break() {
        for (content, secret) in [
            ("", ""),
            ("\n", ""),
            ("\r\n", ""),
            ("ab", "ab"),
            ("ab\r\n", "ab"),
            ("a\n\n", "a\n"),
            ("a\r", "a\r"),
        ] {
            // In two parts, as from a pipe.
            let (one, two) = content.as_bytes().split_at(content.len() / 2);
            assert_eq!(**read_to_end(one.chain(two), 4).unwrap(), *secret.as_bytes(), "{content:?}");
        }
        assert_eq!(read_to_end(&b"abcd"[..], 4).unwrap().len(), 4);
        assert_eq!(read_to_end(&b"abcde"[..], 4).unwrap_err().kind(), ErrorKind::InvalidData);
    }

    #[test]
    fn a_sealed_memfd_is_read_from_its_start_and_cannot_be_changed() {
        let mut file = std::fs::File::from(sealed(b"hunter2").unwrap());
        assert!(io::Write::write_all(&mut file, b"x").is_err());
        assert_eq!(io::read_to_string(file).unwrap(), "hunter2");
    }
}
