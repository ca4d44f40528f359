//! The secret of a profile's app client, from a systemd credential (systemd.exec(5), "Credentials"). It is read for each
//! sign-in and not kept.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::dbus::error::Error;
use crate::regular_file::{self, open_regular_file};
use crate::secret::{SecretText, read_to_end};

/// The environment variable with the folder of the credentials. A path is not secret, so it may stay there.
const DIRECTORY: &str = "CREDENTIALS_DIRECTORY";

/// The maximum size of the file; the API's `ClientSecretType` has at most 64 characters.
const MAX_CLIENT_SECRET_BYTES: usize = 1024;

/// Reads the systemd credential `name`, and removes one final line break.
///
/// # Errors
///
/// `Config` if it is missing, not readable, or not a valid client secret.
pub(in crate::dbus) async fn read(name: &str) -> Result<SecretText, Error> {
    let directory = std::env::var_os(DIRECTORY).map(PathBuf::from).filter(|path| path.is_absolute());
    let file = directory.ok_or_else(|| Error::no_client_secret(name))?.join(name);
    let reading = tokio::task::spawn_blocking(move || load(&file));
    let loaded = reading.await.map_err(|_| Error::internal())?;
    let mut bytes = loaded.map_err(|error| match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => Error::no_client_secret(name),
        ErrorKind::InvalidData => Error::bad_client_secret(name),
        _ => Error::unreadable_client_secret(name),
    })?;
    SecretText::from_utf8(std::mem::take(&mut *bytes)).map_err(|_| Error::bad_client_secret(name))
}

/// `InvalidData` for a file that is too long.
fn load(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let file = open_regular_file(path).map_err(|error| match error {
        regular_file::Error::Unreadable(kind) => kind,
        _ => ErrorKind::InvalidInput,
    })?;
    read_to_end(file, MAX_CLIENT_SECRET_BYTES)
}
