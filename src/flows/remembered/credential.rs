//! The password of a token in a systemd credential (systemd.exec(5), "Credentials").

use std::path::Path;

use crate::oath::TokenId;
use crate::secret::{CredentialFault, SecretText, read_credential};

/// The name of the credential is this and the id of the token.
const PREFIX: &str = "oath-password.";

/// The maximum length of the file in bytes; YKOATH sets no limit for a password.
const MAX_BYTES: usize = 1024;

/// The password of the token, without one final line break; `None` if there is no such credential. Logs a warning if it cannot
/// be used.
pub(super) async fn password(folder: Option<&Path>, token: &TokenId) -> Option<SecretText> {
    let (folder, name) = (folder?.to_owned(), format!("{PREFIX}{token}"));
    let path = folder.join(&name);
    let reading = tokio::task::spawn_blocking(move || read_credential(&folder, &name, MAX_BYTES));
    match reading.await.ok()? {
        Ok(password) => Some(password),
        Err(CredentialFault::Missing) => None,
        Err(_) => {
            let path = path.display();
            tracing::warn!(
                "the systemd credential {path} has no password as UTF-8 text of at most {MAX_BYTES} bytes"
            );
            None
        }
    }
}
