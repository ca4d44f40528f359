//! The secret of an app client, and the proof of it that starts a sign-in.

use std::env;
use std::path::PathBuf;

use data_encoding::BASE64;
use zeroize::Zeroizing;

use super::{Failure, exit};
use crate::config::Files;
use crate::otp::Algorithm;
use crate::regular_file::open_regular_file;
use crate::secret::{SecretText, read_to_end};

/// The maximum size of the file, which is that of the daemon.
const MAX_BYTES: usize = 1024;

/// The unit of the daemon, whose credentials systemd keeps below `$XDG_RUNTIME_DIR/credentials` (systemd.exec(5)).
const UNIT: &str = "oathbridge.service";

/// The secret in the systemd credential that the profile names in the files of the configuration; `None` if it names none.
///
/// # Errors
///
/// The credential is not readable.
pub(super) fn of_profile(profile: &str) -> Result<Option<SecretText>, Failure> {
    let loaded = Files::standard(None).check().ok();
    let name = loaded.and_then(|mut loaded| loaded.config.profiles.remove(profile)?.client_secret_credential);
    let Some(name) = name else { return Ok(None) };
    let read = |folder: PathBuf| {
        let file = open_regular_file(&folder.join(&name)).ok()?;
        SecretText::from_utf8(std::mem::take(&mut *read_to_end(file, MAX_BYTES).ok()?)).ok()
    };
    folders().find_map(read).map(Some).ok_or_else(|| {
        Failure::new(
            exit::FAILED,
            format!(
                "The credential {name}, which profile \"{profile}\" names, is not readable; run systemctl --user restart oathbridge, or add --client-secret-fd N."
            ),
        )
    })
}

/// The folders of this program's own credentials, and of those of the daemon.
fn folders() -> impl Iterator<Item = PathBuf> {
    let of = |variable: &str| env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    let daemon = of("XDG_RUNTIME_DIR").map(|runtime| runtime.join("credentials").join(UNIT));
    of("CREDENTIALS_DIRECTORY").into_iter().chain(daemon)
}

/// The value of `SECRET_HASH`: Base64 of HMAC-SHA256 with the secret, of the user name and the app client (Amazon Cognito
/// Developer Guide, Computing secret hash values).
pub(super) fn secret_hash(secret: &str, username: &str, client_id: &str) -> Zeroizing<String> {
    let message = format!("{username}{client_id}");
    let proof = Algorithm::Sha256.hmac(secret.as_bytes(), message.as_bytes());
    Zeroizing::new(BASE64.encode(&proof))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed with Python's hmac and base64.
    #[test]
    fn the_proof_is_that_of_another_implementation() {
        let proof = secret_hash("abcdefghijklmnopqrstuvwx", "alice", "1h57kf5cpq17m0eml12EXAMPLE");
        assert_eq!(*proof, "dnjdbXSagM6Kvh4xsY/ZbtrSUp225OGa0H+PfW1T0AQ=");
    }
}
