//! `profiles/<name>`: `io.github.oathbridge.OathBridge1.Profile`, a read-only view of the configuration.

use std::sync::{Arc, PoisonError, RwLock};

use zbus::{ObjectPath, interface};

use super::names;
use crate::config::Profile;
use crate::flows::Query;

pub(super) struct ProfileObject {
    pub(super) name: String,
    pub(super) profile: Profile,
    /// Kept by [`super::profiles`].
    pub(super) targets: Arc<RwLock<Targets>>,
}

/// The exported objects that a profile points at; `/` for none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Targets {
    pub(super) credential: ObjectPath<'static>,
    pub(super) token: ObjectPath<'static>,
}

impl Default for Targets {
    fn default() -> Self {
        Self { credential: names::none(), token: names::none() }
    }
}

impl ProfileObject {
    fn targets(&self) -> Targets {
        self.targets.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What a profile says of its credential; nothing if it names neither issuer nor account.
pub(super) fn query(profile: &Profile) -> Option<Query> {
    if profile.issuer.is_none() && profile.account.is_none() {
        return None;
    }
    let (issuer, account) = (profile.issuer.clone(), profile.account.clone());
    Some(Query { issuer, account, ..any(Some(profile)) })
}

/// Whatever Cognito might take, on the profile's token if it names one.
pub(super) fn any(profile: Option<&Profile>) -> Query {
    let token = profile.and_then(|profile| profile.token.clone());
    Query { kind: Some("totp".to_owned()), token, ..Query::default() }
}

#[interface(name = "io.github.oathbridge.OathBridge1.Profile", introspection_docs = false)]
impl ProfileObject {
    #[zbus(property(emits_changed_signal = "const"))]
    fn name(&self) -> &str {
        &self.name
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn region(&self) -> &str {
        &self.profile.region
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn user_pool_id(&self) -> &str {
        self.profile.user_pool_id.as_deref().unwrap_or_default()
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn client_id(&self) -> &str {
        self.profile.client_id.as_deref().unwrap_or_default()
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn endpoint(&self) -> &str {
        self.profile.endpoint_url.as_deref().unwrap_or_default()
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn source(&self) -> &str {
        &self.profile.source
    }

    #[zbus(property)]
    fn credential(&self) -> ObjectPath<'static> {
        self.targets().credential
    }

    #[zbus(property)]
    fn token(&self) -> ObjectPath<'static> {
        self.targets().token
    }
}
