//! The administrator's policy, `/etc/oathbridge/policy.toml`: what no configuration of a user can loosen.

use std::path::PathBuf;

use serde::Deserialize;
use serde::de::Deserializer;

use super::error::{Error, Problem};
use super::layers::Layers;
use super::rule::{AccessRule, Pattern, permission};
use super::value::{checked, is_endpoint, is_line, is_proxy, path_or_empty, section, switch, tables, text};

/// The whole policy. The default restricts nothing.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Policy {
    /// `[access]`.
    #[serde(deserialize_with = "section")]
    pub(super) access: PolicyAccess,
    /// `[cognito]`.
    #[serde(deserialize_with = "section")]
    pub(super) cognito: PolicyCognito,
}

/// The permissions that callers have at most.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PolicyAccess {
    /// Whether the configuration decides about the user's own programs, where no rule of the policy decides.
    #[serde(deserialize_with = "permission")]
    pub programs: bool,
    /// The same for sandboxed programs and for programs that cannot be identified.
    #[serde(deserialize_with = "permission")]
    pub sandboxed: bool,
    /// Whether the configuration decides about calls while the screen is locked.
    #[serde(deserialize_with = "permission")]
    pub while_locked: bool,
    /// Whether codes are returned and submitted only of credentials that require a touch.
    #[serde(deserialize_with = "switch")]
    pub require_touch: bool,
    /// Rules without profiles, in order: the first one that matches decides.
    #[serde(rename = "rule", deserialize_with = "tables")]
    pub rules: Vec<AccessRule>,
}

/// `[cognito]` of the policy.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct PolicyCognito {
    /// The proxy, instead of that of the configuration and of the environment.
    #[serde(deserialize_with = "proxy")]
    pub(super) proxy: Option<String>,
    /// The file of certificate authorities instead of that of the configuration; `Some(None)` for none.
    #[serde(deserialize_with = "ca_file")]
    pub(super) ca_file: Option<Option<PathBuf>>,
    #[serde(deserialize_with = "pools")]
    allowed_pools: Option<Vec<Pattern>>,
    #[serde(deserialize_with = "clients")]
    allowed_clients: Option<Vec<Pattern>>,
    #[serde(deserialize_with = "endpoints")]
    allowed_endpoints: Option<Vec<String>>,
}

/// The user pools, app clients and endpoints that codes may be sent to. The default allows all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Allowed {
    pools: Option<Vec<Pattern>>,
    clients: Option<Vec<Pattern>>,
    endpoints: Option<Vec<String>>,
}

impl Default for PolicyAccess {
    fn default() -> Self {
        Self { programs: true, sandboxed: true, while_locked: true, require_touch: false, rules: Vec::new() }
    }
}

impl Policy {
    /// The errors of rules. A profile is defined by the user, so no rule of the policy has one.
    pub(super) fn errors(&self, layers: &Layers<'_>) -> Vec<Error> {
        let error = |(index, rule): (usize, &AccessRule)| {
            let by_profile = rule.profile.is_some().then_some(Problem::PolicyOfProfile);
            let problem = by_profile.or_else(|| rule.problem(|_| false))?;
            Some(layers.error(&["access", "rule", &index.to_string()], problem))
        };
        self.access.rules.iter().enumerate().filter_map(error).collect()
    }

    /// What codes may be sent to.
    pub(super) fn allowed(&self) -> Allowed {
        Allowed {
            pools: self.cognito.allowed_pools.clone(),
            clients: self.cognito.allowed_clients.clone(),
            endpoints: self.cognito.allowed_endpoints.clone(),
        }
    }
}

impl Allowed {
    /// Whether a code may be sent to this URL. Without a list none is allowed if user pools or app clients are restricted:
    /// another server than Cognito need not check the access token that names its pool.
    pub fn has_endpoint(&self, url: &str) -> bool {
        match &self.endpoints {
            Some(endpoints) => endpoints.iter().any(|endpoint| endpoint == url),
            None => self.pools.is_none() && self.clients.is_none(),
        }
    }

    /// Whether a code may be sent to the pool of an access token.
    pub fn has_pool(&self, pool: Option<&str>) -> bool {
        matches(self.pools.as_deref(), pool)
    }

    /// Whether a code may be sent for an app client.
    pub fn has_client(&self, client: Option<&str>) -> bool {
        matches(self.clients.as_deref(), client)
    }

    /// Whether a session, which does not show its pool, may be used with this app client.
    pub fn has_session(&self, client: Option<&str>) -> bool {
        self.has_client(client) && (self.pools.is_none() || self.clients.is_some())
    }
}

fn matches(patterns: Option<&[Pattern]>, name: Option<&str>) -> bool {
    patterns
        .is_none_or(|patterns| name.is_some_and(|name| patterns.iter().any(|pattern| pattern.matches(name))))
}

fn proxy<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    text(deserializer, "a URL like \"http://proxy.example:3128\", without a user", is_proxy).map(Some)
}

fn ca_file<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<PathBuf>>, D::Error> {
    path_or_empty(deserializer).map(Some)
}

fn pools<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<Pattern>>, D::Error> {
    patterns(deserializer, "an array of user pool ids; * matches any characters")
}

fn clients<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<Pattern>>, D::Error> {
    patterns(deserializer, "an array of app client ids; * matches any characters")
}

fn patterns<'de, D: Deserializer<'de>>(
    deserializer: D,
    shape: &str,
) -> Result<Option<Vec<Pattern>>, D::Error> {
    checked(deserializer, shape, |names: Vec<String>| {
        let patterns = || names.iter().map(|name| Pattern::new(name)).collect();
        names.iter().all(|name| is_line(name)).then(|| Some(patterns()))
    })
}

fn endpoints<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    checked(deserializer, "an array of URLs as in \"endpoint_url\"", |urls: Vec<String>| {
        urls.iter().all(|url| is_endpoint(url)).then_some(Some(urls))
    })
}
