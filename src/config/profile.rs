//! `[profiles.NAME]`: which pool and which credential belong together.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::DeValue;

use super::Cognito;
use super::error::{Error, Problem};
use super::section::{Document, Section, shown};
use super::value::{self, is_path_element, is_region};

/// A pool, and the credential that is used with it. What isn't set is left to the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// The pool's AWS region; the user pool's if only that was set.
    pub region: String,
    /// The user pool.
    pub user_pool_id: Option<String>,
    /// The app client.
    pub client_id: Option<String>,
    /// The systemd credential that holds the app client's secret: the name of a file, not the secret.
    pub client_secret_credential: Option<String>,
    /// Where requests go instead of the region's endpoint: `https`, or `http` on a loopback address.
    pub endpoint_url: Option<String>,
    /// The credential's issuer, exactly.
    pub issuer: Option<String>,
    /// The credential's account, exactly.
    pub account: Option<String>,
    /// The id of the token that has the credential.
    pub token: Option<String>,
    /// Where the profile is defined, as `FILE:LINE`.
    pub source: String,
}

impl Profile {
    pub(super) const SECTION: &str = "profiles";
    pub(super) const KEYS: &[&str] = &[
        "region",
        "user_pool_id",
        "client_id",
        "client_secret_credential",
        "endpoint_url",
        "issuer",
        "account",
        "token",
    ];

    pub(super) fn read_all(
        document: &Document<'_>,
        value: Option<&Spanned<DeValue<'_>>>,
        cognito: &Cognito,
    ) -> Result<BTreeMap<String, Self>, Error> {
        let mut profiles = BTreeMap::new();
        let Some(value) = value else { return Ok(profiles) };
        for (name, value) in document.table(Self::SECTION, value)? {
            if !is_path_element(name.get_ref()) {
                return Err(document.error(name.span(), Problem::ProfileName(shown(name.get_ref()))));
            }
            let section_name = format!("{}.{}", Self::SECTION, name.get_ref());
            let section = Section::open(document, &section_name, (name, value), Self::KEYS)?;
            let profile = Self::read(&section)?;
            if profile.client_secret_credential.is_some() && profile.client_id.is_none() {
                return Err(section.error(Problem::SecretOfNobody(section.name())));
            }
            if let Some(key) = profile.contradiction(cognito) {
                return Err(section.error(Problem::EndpointExcludes { section: section.name(), key }));
            }
            profiles.insert(name.get_ref().to_string(), profile);
        }
        Ok(profiles)
    }

    fn read(section: &Section<'_>) -> Result<Self, Error> {
        let text = |key| section.get(key, "a text on one line, not empty", value::text);
        let client_id = "an app client id: 1 to 128 letters, digits, _ and +";
        let endpoint = "an https URL, or an http URL with a loopback address like \"http://127.0.0.1:9229\"";
        let region = section.get("region", "an AWS region like \"eu-central-1\"", value::region)?;
        let user_pool_id = section.get(
            "user_pool_id",
            "a user pool id like \"eu-central-1_AbCdEfGhI\"",
            value::user_pool_id,
        )?;
        Ok(Self {
            client_id: section.get("client_id", client_id, value::client_id)?,
            client_secret_credential: section.get(
                "client_secret_credential",
                "the name of a systemd credential: 1 to 255 printable ASCII characters, not only dots, no space, / or :",
                value::systemd_credential,
            )?,
            endpoint_url: section.get("endpoint_url", endpoint, value::endpoint)?,
            issuer: text("issuer")?,
            account: text("account")?,
            token: section.get("token", "the id of a token: letters, digits and _", value::token_id)?,
            source: section.place(),
            region: region
                .or_else(|| region_of(user_pool_id.as_deref()?))
                .ok_or_else(|| section.error(Problem::NoRegion(section.name())))?,
            user_pool_id,
        })
    }

    /// AWS has no FIPS and no dual-stack form of an endpoint of one's own; the SDK would refuse each request.
    fn contradiction(&self, cognito: &Cognito) -> Option<&'static str> {
        self.endpoint_url.as_ref()?;
        match (cognito.fips, cognito.dual_stack) {
            (true, _) => Some("fips"),
            (_, true) => Some("dual_stack"),
            _ => None,
        }
    }
}

/// AWS puts a pool's region before the underscore; emulators put other things there.
fn region_of(user_pool_id: &str) -> Option<String> {
    let (region, _) = user_pool_id.rsplit_once('_')?;
    is_region(region).then(|| region.to_owned())
}
