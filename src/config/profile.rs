//! `[profiles.NAME]`: a user pool and its credential.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

use super::Cognito;
use super::error::{Error, Problem};
use super::layers::Layers;
use super::value::{self, NOT_A_NAME, Table, text};

/// The keys of a profile.
pub(super) const PROFILE_KEYS: [&str; 8] = [
    "region",
    "user_pool_id",
    "client_id",
    "client_secret_credential",
    "endpoint_url",
    "issuer",
    "account",
    "token",
];

/// A user pool and its credential. The caller provides values that are not set.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// The AWS region; that of the user pool id if it is not set.
    #[serde(default, deserialize_with = "region")]
    pub region: String,
    /// The user pool.
    #[serde(default, deserialize_with = "user_pool_id")]
    pub user_pool_id: Option<String>,
    /// The app client.
    #[serde(default, deserialize_with = "client_id")]
    pub client_id: Option<String>,
    /// The name of the systemd credential with the app client's secret; not the secret itself.
    #[serde(default, deserialize_with = "systemd_credential")]
    pub client_secret_credential: Option<String>,
    /// The endpoint to use instead of that of the region: `https`, or `http` on a loopback address.
    #[serde(default, deserialize_with = "endpoint")]
    pub endpoint_url: Option<String>,
    /// The exact issuer of the credential.
    #[serde(default, deserialize_with = "line")]
    pub issuer: Option<String>,
    /// The exact account of the credential.
    #[serde(default, deserialize_with = "line")]
    pub account: Option<String>,
    /// The id of the token with the credential.
    #[serde(default, deserialize_with = "token_id")]
    pub token: Option<String>,
    /// The place of the profile, as `FILE:LINE`.
    #[serde(skip)]
    pub source: String,
}

impl Profile {
    /// Sets the place and, if it is not set, the region, and checks the combination of values.
    pub(super) fn complete(
        &mut self,
        name: &str,
        cognito: &Cognito,
        layers: &Layers<'_>,
    ) -> Result<(), Error> {
        let keys = ["profiles", name];
        let section = keys.join(".");
        self.source = layers.place(&keys);
        if self.region.is_empty() {
            let of_pool = self.user_pool_id.as_deref().and_then(region_of);
            self.region = of_pool.ok_or_else(|| layers.error(&keys, Problem::NoRegion(section.clone())))?;
        }
        if self.client_secret_credential.is_some() && self.client_id.is_none() {
            return Err(layers.error(&keys, Problem::SecretOfNobody(section)));
        }
        match self.contradiction(cognito) {
            Some(key) => Err(layers.error(&keys, Problem::EndpointExcludes { section, key })),
            None => Ok(()),
        }
    }

    /// The region of the user pool, where its tokens and sessions are valid; `region` if the pool id has none.
    pub fn pool_region(&self) -> String {
        self.user_pool_id.as_deref().and_then(region_of).unwrap_or_else(|| self.region.clone())
    }

    /// The setting that contradicts a custom endpoint: the SDK refuses FIPS and dual stack with it.
    fn contradiction(&self, cognito: &Cognito) -> Option<&'static str> {
        self.endpoint_url.as_ref()?;
        match (cognito.fips, cognito.dual_stack) {
            (true, _) => Some("fips"),
            (_, true) => Some("dual_stack"),
            _ => None,
        }
    }
}

/// The region of a user pool id. AWS uses the region before the underscore; emulators use other text.
fn region_of(user_pool_id: &str) -> Option<String> {
    let (region, _) = user_pool_id.rsplit_once('_')?;
    value::is_region(region).then(|| region.to_owned())
}

/// `[profiles]`: profiles by their names.
pub(super) fn profiles<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, Profile>, D::Error> {
    let Table(profiles) = Table::<BTreeMap<Name, Table<Profile>>>::deserialize(deserializer)?;
    Ok(profiles.into_iter().map(|(Name(name), Table(profile))| (name, profile)).collect())
}

/// The name of a profile, which is part of a D-Bus object path.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Name(String);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        if value::is_path_element(&name) { Ok(Self(name)) } else { Err(D::Error::custom(NOT_A_NAME)) }
    }
}

fn region<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    text(deserializer, "an AWS region like \"eu-central-1\"", value::is_region)
}

fn user_pool_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let shape = "a user pool id like \"eu-central-1_AbCdEfGhI\"";
    text(deserializer, shape, value::is_user_pool_id).map(Some)
}

fn client_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let shape = "an app client id: 1 to 128 letters, digits, _ and +";
    text(deserializer, shape, value::is_client_id).map(Some)
}

fn systemd_credential<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let shape = "the name of a systemd credential: 1 to 255 printable ASCII characters, not only dots, no space, / or :";
    text(deserializer, shape, value::is_systemd_credential).map(Some)
}

fn endpoint<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let shape = "an https URL, or an http URL with a loopback address like \"http://127.0.0.1:9229\"";
    text(deserializer, shape, value::is_endpoint).map(Some)
}

fn line<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    text(deserializer, "a text on one line, not empty", |_| true).map(Some)
}

fn token_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    text(deserializer, "the id of a token: letters, digits and _", value::is_token_id).map(Some)
}
