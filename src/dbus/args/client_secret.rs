//! The secret of a profile's app client, from a credential that systemd hands to the daemon (systemd.exec(5),
//! "Credentials"). It is read for each sign-in and kept no longer.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::dbus::error::Error;
use crate::regular_file::{self, open_regular_file};
use crate::secret::{SecretText, read_to_end};

/// Where systemd says that the credentials are. A path and no secret, so it may stay in the environment.
const DIRECTORY: &str = "CREDENTIALS_DIRECTORY";

/// The API's `ClientSecretType` has 64 characters at most.
const LIMIT: usize = 1024;

/// Reads the credential `name`, which is the name of a file. One final line break is dropped.
///
/// # Errors
///
/// `Config` when it isn't there, can't be read, or isn't text of a sensible length.
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
    read_to_end(file, LIMIT)
}
