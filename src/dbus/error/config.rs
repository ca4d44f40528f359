//! Errors of the configuration, and of files that it names.

use std::fmt;

use super::Error;

impl Error {
    /// The configuration is not usable, and the previous one is in use; `why` has file and line, and no full stop.
    pub fn config(why: impl fmt::Display) -> Self {
        Self::ours(
            "Config",
            format!("{why}; correct the configuration, because until then the previous one stays in use."),
        )
    }

    /// The same without a previous one. The call was refused, because a rule that nobody can read may deny it.
    pub fn no_config(why: impl fmt::Display) -> Self {
        Self::ours(
            "Config",
            format!(
                "{why}; correct the configuration, wait two seconds and try again, because until then no token is used."
            ),
        )
    }

    /// systemd passed no credential with the secret of a profile's app client.
    pub fn no_client_secret(name: &str) -> Self {
        Self::ours(
            "Config",
            format!(
                "systemd has passed no credential {name:?} with the app client's secret; add LoadCredential={name}:/PATH or SetCredentialEncrypted={name}:... to a drop-in of the unit with systemctl --user edit oathbridge, and restart it."
            ),
        )
    }

    /// The systemd credential is not readable.
    pub fn unreadable_client_secret(name: &str) -> Self {
        Self::ours(
            "Config",
            format!(
                "The systemd credential {name:?} is not a readable file; correct LoadCredential= in a drop-in of the unit and restart it with systemctl --user restart oathbridge."
            ),
        )
    }

    /// The systemd credential is not a client secret.
    pub fn bad_client_secret(name: &str) -> Self {
        Self::ours(
            "Config",
            format!(
                "The systemd credential {name:?} is not the secret of an app client (24 to 64 letters, digits, _ and +); write the secret as shown by Cognito and restart the daemon with systemctl --user restart oathbridge."
            ),
        )
    }

    /// There is no profile of this name.
    pub fn no_profile(name: &str, known: &[&str]) -> Self {
        let others = if known.is_empty() {
            String::new()
        } else {
            format!(" (the profiles are {})", known.join(", "))
        };
        Self::ours(
            "NoSuchProfile",
            format!(
                "There is no profile {name:?}{others}; correct the name, or add the profile to the configuration and reload it."
            ),
        )
    }
}
