//! The secret of a profile's app client, from a systemd credential (systemd.exec(5), "Credentials"). It is read for each
//! sign-in and not kept.

use std::path::PathBuf;

use crate::dbus::error::Error;
use crate::secret::{CredentialFault, SecretText, read_client_secret};

/// The environment variable with the folder of the credentials. A path is not secret, so it may stay there.
const DIRECTORY: &str = "CREDENTIALS_DIRECTORY";

/// Reads the systemd credential `name`, and removes one final line break.
///
/// # Errors
///
/// `Config` if it is missing, not readable, or not a valid client secret.
pub(in crate::dbus) async fn read(name: &str) -> Result<SecretText, Error> {
    let directory = std::env::var_os(DIRECTORY).map(PathBuf::from).filter(|path| path.is_absolute());
    let directory = directory.ok_or_else(|| Error::no_client_secret(name))?;
    let credential = name.to_owned();
    let reading = tokio::task::spawn_blocking(move || read_client_secret(&directory, &credential));
    let loaded = reading.await.map_err(|_| Error::internal())?;
    loaded.map_err(|fault| match fault {
        CredentialFault::Missing => Error::no_client_secret(name),
        CredentialFault::Unreadable => Error::unreadable_client_secret(name),
        CredentialFault::NotASecret => Error::bad_client_secret(name),
    })
}
