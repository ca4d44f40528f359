//! Reads the secret of a new credential from a picture of its QR code.

mod picture;
mod portal;
mod variants;

use std::io::{Read, stdin};
use std::os::fd::OwnedFd;
use std::path::Path;

pub(super) use portal::Screenshot;

use super::Failure;
use crate::regular_file::{self, open_regular_file, read_at_most};
use crate::secret::sealed;

/// The maximum size of a picture's file, in bytes. An uncompressed picture of a large screen has half of it.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// The name that stands for standard input.
const STDIN: &str = "-";

/// The secret in the picture of a file, or of standard input if it is named `-`.
///
/// # Errors
///
/// The file is not readable, is no picture, or has not exactly one QR code of an account.
pub(super) fn of_file(path: &Path) -> Result<OwnedFd, Failure> {
    let (name, bytes) = if path == Path::new(STDIN) {
        ("Standard input".to_owned(), read_stdin())
    } else {
        let bytes = open_regular_file(path).and_then(|file| read_at_most(file, MAX_BYTES));
        (format!("The file {}", path.display()), bytes)
    };
    let bytes = bytes.map_err(|error| {
        Failure::usage(format!(
            "{name} cannot be read: {error}; name a PNG, JPEG or WebP picture of a QR code."
        ))
    })?;
    secret(&bytes, &name)
}

/// The secret in a picture that the desktop was asked to take. The file of that picture is deleted.
///
/// # Errors
///
/// The desktop takes no picture, or the picture has not exactly one QR code of an account.
pub(super) async fn of_screen(screenshot: Screenshot) -> Result<OwnedFd, Failure> {
    secret(&screenshot.bytes().await?, "The picture of the screen")
}

fn read_stdin() -> Result<Vec<u8>, regular_file::Error> {
    let mut bytes = Vec::new();
    stdin().lock().take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(regular_file::Error::TooLarge { limit: MAX_BYTES });
    }
    Ok(bytes)
}

/// `name` is what a sentence calls the picture.
fn secret(bytes: &[u8], name: &str) -> Result<OwnedFd, Failure> {
    let text = picture::read(bytes).map_err(|error| Failure::usage(format!("{name} {error}.")))?;
    sealed(text.as_bytes()).map_err(|error| Failure::of_system("Keeping the seed", &error))
}
