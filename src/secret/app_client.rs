//! The secret of an app client of Amazon Cognito, in a systemd credential (systemd.exec(5), "Credentials").

use std::io::ErrorKind;
use std::path::Path;

use super::{SecretText, read_to_end};
use crate::regular_file::{self, open_regular_file};

/// The maximum size of the file in bytes; a secret has at most 64.
const MAX_FILE_BYTES: usize = 1024;

/// The reason why a credential has no secret of an app client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialFault {
    /// There is no such credential.
    Missing,
    /// It is not a readable file.
    Unreadable,
    /// Its content is something else.
    NotASecret,
}

/// Whether a text has the form of an app client's secret (Amazon Cognito API, `ClientSecretType`).
pub fn is_client_secret(text: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'+');
    (24..=64).contains(&text.len()) && text.bytes().all(is_word)
}

/// Reads the credential `name` in the folder, without one final line break. May block.
///
/// # Errors
///
/// Any [`CredentialFault`].
pub fn read_client_secret(folder: &Path, name: &str) -> Result<SecretText, CredentialFault> {
    let text = read_credential(folder, name, MAX_FILE_BYTES)?;
    if is_client_secret(text.expose()) { Ok(text) } else { Err(CredentialFault::NotASecret) }
}

/// Reads a text of at most this many bytes from the credential `name` in the folder, without one final line break. May block.
///
/// # Errors
///
/// Any [`CredentialFault`].
pub fn read_credential(folder: &Path, name: &str, limit: usize) -> Result<SecretText, CredentialFault> {
    let file = open_regular_file(&folder.join(name)).map_err(|error| match error {
        regular_file::Error::Unreadable(ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            CredentialFault::Missing
        }
        _ => CredentialFault::Unreadable,
    })?;
    let mut bytes = read_to_end(file, limit).map_err(|error| match error.kind() {
        ErrorKind::InvalidData => CredentialFault::NotASecret,
        _ => CredentialFault::Unreadable,
    })?;
    SecretText::from_utf8(std::mem::take(&mut *bytes)).map_err(|_| CredentialFault::NotASecret)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn only_the_secret_of_an_app_client_is_taken_from_a_credential() {
        let folder = tempfile::tempdir().unwrap();
        let read = |content: &[u8]| {
            fs::write(folder.path().join("name"), content).unwrap();
            read_client_secret(folder.path(), "name")
        };
        let secret = "abcdefghijklmnopqrstuv_+";
        assert_eq!(read(format!("{secret}\n").as_bytes()).unwrap().expose(), secret);
        let (short, long) = ([b'x'; 23], [b'x'; 65]);
        for content in [&b""[..], &short, &long, &[b'x'; 2000], &[0xff; 24], b"-----BEGIN PRIVATE KEY-----"] {
            assert_eq!(read(content).unwrap_err(), CredentialFault::NotASecret, "{content:?}");
        }
        let fault = |folder: &Path, name| read_client_secret(folder, name).unwrap_err();
        assert_eq!(fault(folder.path(), "other"), CredentialFault::Missing);
        assert_eq!(fault(&folder.path().join("name"), "other"), CredentialFault::Missing);
        fs::create_dir(folder.path().join("folder")).unwrap();
        assert_eq!(fault(folder.path(), "folder"), CredentialFault::Unreadable);
    }
}
