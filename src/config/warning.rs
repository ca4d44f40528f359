//! Contradictions that may be right, and are told.

use std::fmt;

use super::{Config, Profile};

/// A contradiction. Its text is one sentence with the place and without values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The place, as `FILE:LINE`.
    pub place: String,
    section: String,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A replica of a multi-region pool has another region.
    Region,
    ForbiddenPool,
    ForbiddenClient,
    ForbiddenEndpoint,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: in [{}] {}", self.place, self.section, self.reason())
    }
}

impl Warning {
    /// Whether it is about this profile.
    pub fn is_of_profile(&self, name: &str) -> bool {
        self.section.strip_prefix("profiles.") == Some(name)
    }

    /// Whether the administrator's policy does not allow a value.
    pub fn is_forbidden(&self) -> bool {
        self.kind != Kind::Region
    }

    /// The contradiction without its place, and its remedy.
    pub fn reason(&self) -> String {
        let forbidden = |key| {
            format!("the administrator's policy does not allow \"{key}\" of this profile; use another one")
        };
        match self.kind {
            Kind::Region => "\"region\" is not the region of \"user_pool_id\"; correct one of them, unless the pool is replicated".to_owned(),
            Kind::ForbiddenPool => forbidden("user_pool_id"),
            Kind::ForbiddenClient => forbidden("client_id"),
            Kind::ForbiddenEndpoint => forbidden("endpoint_url"),
        }
    }
}

pub(super) fn warnings(config: &Config) -> Vec<Warning> {
    let of_profile = |(name, profile): (&String, &Profile)| {
        let (place, section) = (profile.source.clone(), format!("profiles.{name}"));
        kinds(config, profile).into_iter().map(move |kind| Warning {
            place: place.clone(),
            section: section.clone(),
            kind,
        })
    };
    config.profiles.iter().flat_map(of_profile).collect()
}

fn kinds(config: &Config, profile: &Profile) -> Vec<Kind> {
    let allowed = &config.cognito.allowed;
    let (pool, client, url) =
        (profile.user_pool_id.as_deref(), profile.client_id.as_deref(), profile.endpoint_url.as_deref());
    [
        (profile.region != profile.pool_region(), Kind::Region),
        (pool.is_some() && !allowed.has_pool(pool), Kind::ForbiddenPool),
        (client.is_some() && !allowed.has_client(client), Kind::ForbiddenClient),
        (url.is_some_and(|url| !allowed.has_endpoint(url)), Kind::ForbiddenEndpoint),
    ]
    .into_iter()
    .filter_map(|(is_wrong, kind)| is_wrong.then_some(kind))
    .collect()
}
