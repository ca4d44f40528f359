//! Secrets: wiped when dropped, silent in `Debug`, compared in constant time.
//!
//! What a newtype can't reach (the copies that libraries make) the wiping allocator of the binaries does.

use std::fmt;
use std::io::{self, ErrorKind, Read};
use std::os::fd::OwnedFd;

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Bytes that nobody else may see: seeds, access keys, passwords.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct SecretBytes(Vec<u8>);

impl SecretBytes {
    /// Takes the bytes over.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes themselves; keep the borrow short and copy nothing out of it.
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

/// Text that nobody else may see: passwords, access tokens, sessions, codes.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct SecretText(String);

impl SecretText {
    /// Takes the text over.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text itself; keep the borrow short and copy nothing out of it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The bytes as text.
    ///
    /// # Errors
    ///
    /// When they aren't UTF-8; the bytes are wiped then.
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

/// Reads a secret to its end. One final line break is dropped.
///
/// # Errors
///
/// Those of the source; [`ErrorKind::InvalidData`] when it has more than `limit` bytes.
pub fn read_to_end(mut source: impl Read, limit: usize) -> io::Result<Zeroizing<Vec<u8>>> {
    // Full size from the start: growing would leave unwiped copies behind.
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

/// A file in memory that nobody can change any more, to be read from its start: for handing a secret over.
///
/// # Errors
///
/// When the system has no memory or no descriptor left.
pub fn sealed(secret: &[u8]) -> io::Result<OwnedFd> {
    let fd = memfd_create("oathbridge", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
    let (mut rest, mut written) = (secret, 0);
    while !rest.is_empty() {
        // Not where the reader's offset is, so that it stays at the start.
        let count = rustix::io::pwrite(&fd, rest, written)?;
        rest = rest.get(count..).unwrap_or_default();
        written += u64::try_from(count).unwrap_or_default();
    }
    fcntl_add_seals(&fd, SealFlags::SEAL | SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE)?;
    Ok(fd)
}

/// The bytes of a secret that should have been text aren't UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not UTF-8 text")]
pub struct NotUtf8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_says_nothing() {
        assert_eq!(format!("{:?}", SecretText::from("hunter2")), "SecretText(..)");
        assert_eq!(format!("{:?}", SecretBytes::new(vec![0x42])), "SecretBytes(..)");
    }

    #[test]
    fn comparison_sees_content_and_length() {
        assert_eq!(SecretText::from("a"), SecretText::from("a"));
        assert_ne!(SecretText::from("a"), SecretText::from("b"));
        assert_ne!(SecretBytes::new(vec![1]), SecretBytes::new(vec![1, 1]));
    }

    #[test]
    fn a_secret_is_read_to_its_end_and_loses_one_line_break() {
        for (content, secret) in [
            ("", ""),
            ("\n", ""),
            ("\r\n", ""),
            ("ab", "ab"),
            ("ab\r\n", "ab"),
            ("a\n\n", "a\n"),
            ("a\r", "a\r"),
        ] {
            // In parts, as from a pipe.
            let (one, two) = content.as_bytes().split_at(content.len() / 2);
            assert_eq!(**read_to_end(one.chain(two), 4).unwrap(), *secret.as_bytes(), "{content:?}");
        }
        assert_eq!(read_to_end(&b"abcd"[..], 4).unwrap().len(), 4);
        assert_eq!(read_to_end(&b"abcde"[..], 4).unwrap_err().kind(), ErrorKind::InvalidData);
    }

    #[test]
    fn a_sealed_file_is_read_from_its_start_and_can_t_be_changed() {
        let mut file = std::fs::File::from(sealed(b"hunter2").unwrap());
        assert!(io::Write::write_all(&mut file, b"x").is_err());
        assert_eq!(io::read_to_string(file).unwrap(), "hunter2");
    }
}
