//! `profiles/<name>`: `io.github.oathbridge.OathBridge1.Profile`, a read-only view of the configuration.

use std::sync::{Arc, RwLock};

use zbus::{ObjectPath, interface};

use crate::config::Profile;
use crate::dbus::names;
use crate::sync::IgnorePoison;

pub(in crate::dbus) struct ProfileObject {
    pub(in crate::dbus) name: String,
    pub(in crate::dbus) profile: Profile,
    /// Kept by `publish/profiles.rs`.
    pub(in crate::dbus) targets: Arc<RwLock<Targets>>,
}

/// The exported objects that a profile names; `/` for none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::dbus) struct Targets {
    pub(in crate::dbus) credential: ObjectPath<'static>,
    pub(in crate::dbus) token: ObjectPath<'static>,
}

impl Default for Targets {
    fn default() -> Self {
        Self { credential: names::none(), token: names::none() }
    }
}

impl ProfileObject {
    fn targets(&self) -> Targets {
        self.targets.read().ignore_poison().clone()
    }
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
    fn client_secret_credential(&self) -> &str {
        self.profile.client_secret_credential.as_deref().unwrap_or_default()
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
