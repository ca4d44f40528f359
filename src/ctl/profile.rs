//! A profile, as the daemon publishes it.

use serde::Serialize;

use super::properties::Properties;

/// A profile of the configuration. Its serialised form is part of the `--json` output.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Profile {
    pub(super) name: String,
    pub(super) region: String,
    pub(super) user_pool_id: String,
    pub(super) client_id: String,
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
            endpoint: properties.text("Endpoint"),
            source: properties.text("Source"),
            credential: properties.path("Credential"),
        }
    }
}
