//! A profile, as the daemon publishes it.

use serde::Serialize;

use super::properties::Properties;
use super::{Failure, exit, similar};

/// A profile of the configuration. Its serialised form is part of the `--json` output.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Profile {
    pub(super) name: String,
    pub(super) region: String,
    pub(super) user_pool_id: String,
    pub(super) client_id: String,
    /// The name of the systemd credential with the secret of the app client; empty if there is none, and null if a daemon
    /// of another version does not tell it.
    pub(super) client_secret_credential: Option<String>,
    pub(super) endpoint: String,
    /// The place of the profile in the configuration, as `FILE:LINE`.
    pub(super) source: String,
    /// The path of the only credential that fits; `/` if there is none.
    pub(super) credential: String,
}

impl Profile {
    pub(super) fn new(properties: &Properties<'_>) -> Self {
        Self {
            name: properties.text("Name"),
            region: properties.text("Region"),
            user_pool_id: properties.text("UserPoolId"),
            client_id: properties.text("ClientId"),
            client_secret_credential: properties.get("ClientSecretCredential"),
            endpoint: properties.text("Endpoint"),
            source: properties.text("Source"),
            credential: properties.path("Credential"),
        }
    }

    /// The profile with this name.
    ///
    /// # Errors
    ///
    /// A failure that names a similar one.
    pub(super) fn find<'tree>(profiles: &'tree [Self], name: &str) -> Result<&'tree Self, Failure> {
        let found = profiles.iter().find(|profile| profile.name == name);
        found.ok_or_else(|| unknown(name, profiles.iter().map(|profile| profile.name.as_str())))
    }
}

/// The failure for a profile that does not exist.
pub(super) fn unknown<'name>(name: &str, known: impl Iterator<Item = &'name str>) -> Failure {
    Failure::new(exit::NOT_FOUND, unknown_sentence(name, known))
}

/// The sentence for a profile that does not exist.
pub(super) fn unknown_sentence<'name>(name: &str, known: impl Iterator<Item = &'name str>) -> String {
    let known: Vec<_> = known.collect();
    match (similar::to(name, known.iter().copied()), known.as_slice()) {
        (Some(similar), _) => format!("There is no profile \"{name}\"; did you mean \"{similar}\"?"),
        (None, []) => {
            format!("There is no profile \"{name}\"; add it with `oathbridgectl profile add {name}`.")
        }
        (None, known) => format!("There is no profile \"{name}\"; use one of these: {}.", known.join(", ")),
    }
}
