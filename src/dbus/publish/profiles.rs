//! Keeps the profiles' objects equal to the configuration. Profiles name exported objects only: a target is published
//! after its objects, and removed before them.

use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};

use zbus::ObjectServer;

use crate::config::Profile;
use crate::dbus::args::profile_query;
use crate::dbus::names;
use crate::dbus::objects::{ProfileObject, ProfileTargets as Targets};
use crate::oath::ObjectId;
use crate::registry::Snapshot;
use crate::sync::IgnorePoison;

pub(super) struct Profiles {
    server: ObjectServer,
    shown: BTreeMap<String, Shown>,
}

/// A published profile.
struct Shown {
    profile: Profile,
    targets: Arc<RwLock<Targets>>,
}

impl Profiles {
    pub(super) fn new(server: ObjectServer) -> Self {
        Self { server, shown: BTreeMap::new() }
    }

    /// Removes the targets that change, or whose objects are removed. `stays` says of a credential whether its
    /// object and that of its token outlast the change to `snapshot`.
    pub(super) async fn retract(
        &self,
        snapshot: &Snapshot,
        stays: impl Fn(&ObjectId) -> bool,
    ) -> zbus::Result<()> {
        for (name, shown) in &self.shown {
            let targets = targets(&shown.profile, snapshot, &stays);
            if targets != *shown.targets.read().ignore_poison() {
                self.point(name, shown, Targets::default()).await?;
            }
        }
        Ok(())
    }

    /// Publishes the profiles and their targets; all objects of `snapshot` are exported.
    pub(super) async fn show(
        &mut self,
        wanted: &BTreeMap<String, Profile>,
        snapshot: &Snapshot,
    ) -> zbus::Result<()> {
        let gone: Vec<_> = self
            .shown
            .iter()
            .filter(|(name, shown)| wanted.get(*name) != Some(&shown.profile))
            .map(|(name, _)| name.clone())
            .collect();
        for name in gone {
            self.shown.remove(&name);
            self.server.remove::<ProfileObject, _>(names::profile(&name)).await?;
        }
        for (name, profile) in wanted {
            let targets = targets(profile, snapshot, |_| true);
            match self.shown.get(name) {
                Some(shown) => self.point(name, shown, targets).await?,
                None => self.add(name, profile, targets).await?,
            }
        }
        Ok(())
    }

    async fn add(&mut self, name: &str, profile: &Profile, targets: Targets) -> zbus::Result<()> {
        let (profile, targets) = (profile.clone(), Arc::new(RwLock::new(targets)));
        let object =
            ProfileObject { name: name.to_owned(), profile: profile.clone(), targets: Arc::clone(&targets) };
        self.server.at(names::profile(name), object).await?;
        self.shown.insert(name.to_owned(), Shown { profile, targets });
        Ok(())
    }

    async fn point(&self, name: &str, shown: &Shown, targets: Targets) -> zbus::Result<()> {
        let before = std::mem::replace(&mut *shown.targets.write().ignore_poison(), targets.clone());
        if before == targets {
            return Ok(());
        }
        let interface = self.server.interface::<_, ProfileObject>(names::profile(name)).await?;
        let (object, emitter) = (interface.get().await, interface.signal_emitter());
        if before.credential != targets.credential {
            object.credential_changed(emitter).await?;
        }
        if before.token != targets.token {
            object.token_changed(emitter).await?;
        }
        Ok(())
    }
}

/// The credential that a profile names, if exactly one attached credential matches, and its token.
fn targets(profile: &Profile, snapshot: &Snapshot, stays: impl Fn(&ObjectId) -> bool) -> Targets {
    let Some(query) = profile_query(profile) else { return Targets::default() };
    match query.run(snapshot).0.as_slice() {
        [one] if stays(&one.id) => {
            Targets { credential: names::credential(&one.id), token: names::token(&one.token.info.id) }
        }
        _ => Targets::default(),
    }
}
