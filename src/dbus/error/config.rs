//! What is wrong with the configuration, or with what it names.

use std::fmt;

use super::Error;

impl Error {
    /// A configuration that can't be used; `why` is a sentence with file and line, without full stop.
    pub fn config(why: impl fmt::Display) -> Self {
        let why = why.to_string();
        let end = if why.ends_with('?') { "" } else { "." };
        let advice = "The configuration in force stays; correct the file and call Reload again";
        Self::ours("Config", format!("{advice}: {why}{end}"))
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

    /// It is there, and out of reach.
    pub fn unreadable_client_secret(name: &str) -> Self {
        Self::ours(
            "Config",
            format!(
                "The systemd credential {name:?} can't be read as a file; correct LoadCredential= in a drop-in of the unit and restart it with systemctl --user restart oathbridge."
            ),
        )
    }

    /// It is there, and something else.
    pub fn bad_client_secret(name: &str) -> Self {
        Self::ours(
            "Config",
            format!(
                "The systemd credential {name:?} is not the secret of an app client, which has 24 to 64 letters, digits, _ and +; write it there as Cognito shows it and restart the daemon with systemctl --user restart oathbridge."
            ),
        )
    }

    /// No profile of this name.
    pub fn no_profile(name: &str, known: &[&str]) -> Self {
        let others = if known.is_empty() { String::new() } else { format!(", only {}", known.join(", ")) };
        Self::ours(
            "NoSuchProfile",
            format!(
                "There is no profile {name:?}{others}; add it to the configuration and have that read again."
            ),
        )
    }
}
