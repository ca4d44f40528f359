//! The secret of an app client, and the proof of it that starts a sign-in.

use std::env;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use data_encoding::BASE64;
use zeroize::Zeroizing;

use super::profile::Profile;
use super::secret_input::{self, Source};
use super::{Failure, exit};
use crate::config::{self, Files};
use crate::dbus::Error;
use crate::otp::Algorithm;
use crate::secret::{CredentialFault, SecretText, is_client_secret, read_client_secret, sealed};

/// The unit of the daemon, whose credentials systemd keeps below `$XDG_RUNTIME_DIR/credentials` (systemd.exec(5)).
const UNIT: &str = "oathbridge.service";

/// The secret of the app client, if it has one.
#[derive(Debug)]
pub(super) enum ClientSecret {
    None,
    /// The daemon reads it as well.
    OfProfile(SecretText),
    /// From a descriptor, for the daemon as well.
    Given(SecretText),
}

impl ClientSecret {
    /// The secret from the descriptor with this number, or else from the systemd credential that the profile names in the
    /// files of the configuration.
    ///
    /// # Errors
    ///
    /// The files have another region, pool, app client or endpoint than the daemon's profile. Or the credential or the
    /// descriptor has no secret. Without a descriptor also: the files have another credential, or the daemon does not
    /// tell its own; or the files have an error or lack the profile, so it is not known whether that names a credential.
    pub(super) fn find(number: Option<i32>, profile: &Profile) -> Result<Self, Failure> {
        match number {
            Some(number) => {
                let secret = given(number)?;
                match own(profile) {
                    Ok(own) if !is_that_of_the_daemon(&own, profile) => Err(changed(profile)),
                    // A file that cannot be compared is not needed for this secret.
                    _ => Ok(Self::Given(secret)),
                }
            }
            None => Ok(of_profile(profile)?.map_or(Self::None, Self::OfProfile)),
        }
    }

    /// The proof for `InitiateAuth`.
    pub(super) fn proof(&self, username: &str, client_id: &str) -> Option<Zeroizing<String>> {
        match self {
            Self::None => None,
            Self::OfProfile(secret) | Self::Given(secret) => {
                Some(secret_hash(secret.expose(), username, client_id))
            }
        }
    }

    /// The secret as an argument for the daemon, if it needs one.
    ///
    /// # Errors
    ///
    /// The system has no memory or no descriptor left.
    pub(super) fn for_daemon(&self) -> Result<Option<OwnedFd>, Failure> {
        let Self::Given(secret) = self else { return Ok(None) };
        sealed(secret.expose().as_bytes())
            .map(Some)
            .map_err(|error| Failure::of_system("Passing the client secret to the daemon", &error))
    }
}

fn given(number: i32) -> Result<SecretText, Failure> {
    let text = secret_input::text(Source::Descriptor(number).read("client secret")?)?;
    match text.trim_end_matches(['\r', '\n']) {
        text if is_client_secret(text) => Ok(text.into()),
        _ => Err(Failure::usage(format!(
            "Descriptor {number} does not have the secret of an app client (24 to 64 letters, digits, _ and +); write the secret as shown by Cognito to it."
        ))),
    }
}

/// The profile in the files.
fn own(profile: &Profile) -> Result<config::Profile, Failure> {
    let mut loaded = files(profile).check().map_err(|errors| match errors.first() {
        Some(error) => Failure::of_config(exit::FAILED, error),
        None => Failure::new(exit::FAILED, "The configuration is not valid; run oathbridgectl config check."),
    })?;
    loaded.config.profiles.remove(&profile.name).ok_or_else(|| unknown(profile))
}

fn of_profile(profile: &Profile) -> Result<Option<SecretText>, Failure> {
    let own = own(profile)?;
    if !is_that_of_the_daemon(&own, profile) {
        return Err(changed(profile));
    }
    let Some(name) = credential(own.client_secret_credential, profile)? else { return Ok(None) };
    let read = |folder: PathBuf| match read_client_secret(&folder, &name) {
        Err(CredentialFault::Missing) => None,
        other => Some(other),
    };
    let sentence = match folders().find_map(read) {
        Some(Ok(secret)) => return Ok(Some(secret)),
        Some(Err(CredentialFault::NotASecret)) => Error::bad_client_secret(&name).sentence().to_owned(),
        Some(Err(_)) => Error::unreadable_client_secret(&name).sentence().to_owned(),
        None => format!(
            "There is no credential {name}, which profile \"{}\" names; run systemctl --user restart oathbridge, or add --client-secret-fd N.",
            profile.name
        ),
    };
    Err(Failure::new(exit::FAILED, sentence))
}

/// The name of the credential in the files. The daemon answers the challenge with the secret of its own one.
fn credential(own: Option<String>, profile: &Profile) -> Result<Option<String>, Failure> {
    match (&own, &profile.client_secret_credential) {
        (Some(_), None) => Err(untold(profile)),
        (_, Some(other)) if own.as_deref().unwrap_or_default() != other => Err(changed(profile)),
        _ => Ok(own),
    }
}

/// The files were changed since the daemon read them, or it has others, so its profile may name a secret that is not known
/// here.
fn unknown(profile: &Profile) -> Failure {
    let sentence = format!(
        "Profile \"{}\" of the daemon is not in the files that this command reads; run systemctl --user reload oathbridge, or name the file of its option --config from / on ({}).",
        profile.name, profile.source
    );
    Failure::new(exit::FAILED, sentence)
}

/// Whether the profile of the files has the values of the daemon's. With others its secret may be of another app client,
/// and the password is meant for another pool.
fn is_that_of_the_daemon(own: &config::Profile, profile: &Profile) -> bool {
    let equal = |own: &Option<String>, other: &str| own.as_deref().unwrap_or_default() == other;
    own.region == profile.region
        && equal(&own.user_pool_id, &profile.user_pool_id)
        && equal(&own.client_id, &profile.client_id)
        && equal(&own.endpoint_url, &profile.endpoint)
}

/// A daemon of another version has no property for the name of the credential.
fn untold(profile: &Profile) -> Failure {
    let sentence = format!(
        "The running daemon has another version than oathbridgectl and does not tell the client secret of profile \"{}\"; run systemctl --user restart oathbridge.",
        profile.name
    );
    Failure::new(exit::FAILED, sentence)
}

fn changed(profile: &Profile) -> Failure {
    let sentence = format!(
        "Profile \"{}\" was changed after the daemon read it; run systemctl --user reload oathbridge and try again.",
        profile.name
    );
    Failure::new(exit::FAILED, sentence)
}

/// The files that the daemon has the profile from: those of the user and the system, or that of its option `--config`.
fn files(profile: &Profile) -> Files {
    let standard = Files::standard(None);
    let file = profile.source.rsplit_once(':').map(|(file, _)| Path::new(file));
    match file.filter(|file| file.is_absolute() && !standard.places().iter().any(|place| place == file)) {
        Some(other) => Files::standard(Some(other.to_owned())),
        None => standard,
    }
}

/// The folders of this program's own credentials, and of those of the daemon.
fn folders() -> impl Iterator<Item = PathBuf> {
    let of = |variable: &str| env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    let daemon = of("XDG_RUNTIME_DIR").map(|runtime| runtime.join("credentials").join(UNIT));
    of("CREDENTIALS_DIRECTORY").into_iter().chain(daemon)
}

/// The value of `SECRET_HASH`: Base64 of HMAC-SHA256 with the secret, of the user name and the app client (Amazon Cognito
/// Developer Guide, Computing secret hash values).
fn secret_hash(secret: &str, username: &str, client_id: &str) -> Zeroizing<String> {
    let message = format!("{username}{client_id}");
    let proof = Algorithm::Sha256.hmac(secret.as_bytes(), message.as_bytes());
    Zeroizing::new(BASE64.encode(&proof))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_daemon_that_does_not_tell_the_credential_has_to_be_restarted() {
        let of_daemon = |told: Option<&str>| Profile {
            client_secret_credential: told.map(str::to_owned),
            ..Profile::default()
        };
        let own = |name: &str| Some(name.to_owned());
        for (own, told, step) in [
            (own("secret"), None, "systemctl --user restart oathbridge"),
            (own("secret"), Some(""), "systemctl --user reload oathbridge"),
            (own("secret"), Some("another"), "systemctl --user reload oathbridge"),
            (None, Some("secret"), "systemctl --user reload oathbridge"),
        ] {
            let failure = credential(own, &of_daemon(told)).unwrap_err();
            assert!(failure.sentence().contains(step), "{told:?}: {failure:?}");
        }
        for (own, told) in [(own("secret"), Some("secret")), (None, Some("")), (None, None)] {
            assert_eq!(credential(own.clone(), &of_daemon(told)).unwrap(), own);
        }
    }

    /// Computed with Python's hmac and base64.
    #[test]
    fn the_proof_is_that_of_another_implementation() {
        let proof = secret_hash("abcdefghijklmnopqrstuvwx", "alice", "1h57kf5cpq17m0eml12EXAMPLE");
        assert_eq!(*proof, "dnjdbXSagM6Kvh4xsY/ZbtrSUp225OGa0H+PfW1T0AQ=");
    }
}
