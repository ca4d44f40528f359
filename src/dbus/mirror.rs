//! Keeps the object tree equal to the registry's snapshots and the configuration.
//!
//! Order of signals: a token, its credentials, then its state; the reverse on removal.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use zbus::{Connection, ObjectServer};

use super::credential::CredentialObject;
use super::manager::ManagerObject;
use super::profile::ProfileObject;
use super::token::{TokenObject, View};
use super::{Bridge, names};
use crate::config::Profile;
use crate::device::Problem;
use crate::oath::Credential;
use crate::registry::{Attached, Snapshot, State};

/// Runs until the bus is gone.
pub(super) async fn run(connection: Connection, bridge: Arc<Bridge>) {
    let mut snapshots = bridge.flows.registry().subscribe();
    let mut changes = bridge.changes.subscribe();
    let mut mirror = Mirror {
        server: connection.object_server().clone(),
        bridge,
        tokens: BTreeMap::new(),
        profiles: BTreeMap::new(),
    };
    loop {
        let change = *changes.borrow_and_update();
        let snapshot = Arc::clone(&snapshots.borrow_and_update());
        if let Err(error) = mirror.update(&snapshot).await {
            tracing::error!("the object tree can't be kept up: {error}");
        }
        // Also after an error: who waits for the snapshot must not wait for ever.
        mirror.bridge.shown.send_replace((snapshot.version, change));
        let changed = tokio::select! {
            changed = snapshots.changed() => changed,
            changed = changes.changed() => changed,
        };
        if changed.is_err() {
            return;
        }
    }
}

struct Mirror {
    server: ObjectServer,
    bridge: Arc<Bridge>,
    tokens: BTreeMap<String, Shown>,
    profiles: BTreeMap<String, ShownProfile>,
}

/// A token as the bus sees it now.
struct Shown {
    view: Arc<RwLock<View>>,
    credentials: BTreeMap<String, Credential>,
}

struct ShownProfile {
    profile: Profile,
    targets: Option<(String, String)>,
}

impl Mirror {
    async fn update(&mut self, snapshot: &Snapshot) -> zbus::Result<()> {
        self.remove_tokens(snapshot).await?;
        for attached in snapshot.tokens.values() {
            self.show_token(attached).await?;
        }
        self.show_profiles().await?;
        self.show_manager(snapshot).await
    }

    async fn remove_tokens(&mut self, snapshot: &Snapshot) -> zbus::Result<()> {
        let is_same =
            |shown: &Shown, attached: &Attached| shown.attached().info.reader == attached.info.reader;
        let gone: Vec<_> = self
            .tokens
            .iter()
            .filter(|(id, shown)| !snapshot.tokens.get(*id).is_some_and(|attached| is_same(shown, attached)))
            .map(|(id, _)| id.clone())
            .collect();
        for id in gone {
            if let Some(shown) = self.tokens.remove(&id) {
                for credential in shown.credentials.keys() {
                    remove_credential(&self.server, &self.bridge, credential).await?;
                }
                self.server.remove::<TokenObject, _>(names::token(&id)).await?;
            }
        }
        Ok(())
    }

    async fn show_token(&mut self, attached: &Arc<Attached>) -> zbus::Result<()> {
        let id = &attached.info.id;
        if !self.tokens.contains_key(id) {
            // Its state comes last, when its credentials are there.
            let view = View { attached: Arc::clone(attached), state: State::Reading };
            let view = Arc::new(RwLock::new(view));
            let object = TokenObject { view: Arc::clone(&view), bridge: Arc::clone(&self.bridge) };
            self.server.at(names::token(id), object).await?;
            self.tokens.insert(id.clone(), Shown { view, credentials: BTreeMap::new() });
        }
        let Some(shown) = self.tokens.get_mut(id) else { return Ok(()) };
        let before = shown.replace(attached);
        if attached.state != State::Ready {
            shown.announce(&self.server, id, &before, attached).await?;
        }
        shown.show_credentials(&self.server, &self.bridge, attached).await?;
        if attached.state == State::Ready {
            shown.announce(&self.server, id, &before, attached).await?;
        }
        Ok(())
    }

    async fn show_profiles(&mut self) -> zbus::Result<()> {
        let config = self.bridge.config();
        let wanted = &config.config.profiles;
        let gone: Vec<_> = self
            .profiles
            .iter()
            .filter(|(name, shown)| wanted.get(*name) != Some(&shown.profile))
            .map(|(name, _)| name.clone())
            .collect();
        for name in gone {
            self.profiles.remove(&name);
            self.server.remove::<ProfileObject, _>(names::profile(&name)).await?;
        }
        for (name, profile) in wanted {
            self.show_profile(name, profile).await?;
        }
        Ok(())
    }

    async fn show_profile(&mut self, name: &str, profile: &Profile) -> zbus::Result<()> {
        let object = ProfileObject {
            name: name.to_owned(),
            profile: profile.clone(),
            bridge: Arc::clone(&self.bridge),
        };
        let targets = object.targets().map(|(credential, token)| (credential.to_string(), token.to_string()));
        match self.profiles.get_mut(name) {
            None => {
                self.server.at(names::profile(name), object).await?;
                self.profiles.insert(name.to_owned(), ShownProfile { profile: profile.clone(), targets });
            }
            Some(shown) if shown.targets != targets => {
                shown.targets = targets;
                let interface = self.server.interface::<_, ProfileObject>(names::profile(name)).await?;
                let (object, emitter) = (interface.get().await, interface.signal_emitter());
                object.credential_changed(emitter).await?;
                object.token_changed(emitter).await?;
            }
            Some(_) => {}
        }
        Ok(())
    }

    async fn show_manager(&mut self, snapshot: &Snapshot) -> zbus::Result<()> {
        let interface = self.server.interface::<_, ManagerObject>(names::ROOT).await?;
        let (object, emitter) = (interface.get().await, interface.signal_emitter());
        let now = (snapshot.settled, problem_words(&self.bridge, snapshot));
        let before = self.bridge.announce(now.clone());
        if before.0 != now.0 {
            object.settled_changed(emitter).await?;
        }
        if before.1 != now.1 {
            object.problems_changed(emitter).await?;
        }
        Ok(())
    }
}

/// The words of the D-Bus contract for what is wrong now.
fn problem_words(bridge: &Bridge, snapshot: &Snapshot) -> Vec<String> {
    let of_transports = snapshot.problems.iter().map(|problem| match problem {
        Problem::PcscUnavailable => "pcscd-unavailable",
        Problem::PcscDenied => "pcscd-denied",
    });
    of_transports.chain(bridge.problems.borrow().iter().copied()).map(str::to_owned).collect()
}

/// Calls that come from now on are answered without the object.
async fn remove_credential(server: &ObjectServer, bridge: &Bridge, id: &str) -> zbus::Result<()> {
    let path = names::credential(id);
    bridge.paths.remove(&path);
    server.remove::<CredentialObject, _>(&path).await.map(drop)
}

impl Shown {
    fn attached(&self) -> Arc<Attached> {
        Arc::clone(&self.view.read().unwrap_or_else(PoisonError::into_inner).attached)
    }

    /// Takes the new facts over, all but the state; returns what was shown before.
    fn replace(&self, attached: &Arc<Attached>) -> View {
        let mut view = self.view.write().unwrap_or_else(PoisonError::into_inner);
        let before = view.clone();
        view.attached = Arc::clone(attached);
        before
    }

    async fn show_credentials(
        &mut self,
        server: &ObjectServer,
        bridge: &Arc<Bridge>,
        attached: &Attached,
    ) -> zbus::Result<()> {
        let gone: Vec<_> = self
            .credentials
            .iter()
            .filter(|(id, shown)| attached.credentials.get(*id) != Some(shown))
            .map(|(id, _)| id.clone())
            .collect();
        for id in gone {
            self.credentials.remove(&id);
            remove_credential(server, bridge, &id).await?;
        }
        for (id, credential) in &attached.credentials {
            if !self.credentials.contains_key(id) {
                let object = CredentialObject {
                    id: id.clone(),
                    token: attached.info.id.clone(),
                    credential: credential.clone(),
                    bridge: Arc::clone(bridge),
                };
                let path = names::credential(id);
                server.at(&path, object).await?;
                bridge.paths.add(&path);
                self.credentials.insert(id.clone(), credential.clone());
            }
        }
        Ok(())
    }

    async fn announce(
        &self,
        server: &ObjectServer,
        id: &str,
        before: &View,
        attached: &Attached,
    ) -> zbus::Result<()> {
        self.view.write().unwrap_or_else(PoisonError::into_inner).state = attached.state.clone();
        let interface = server.interface::<_, TokenObject>(names::token(id)).await?;
        let (object, emitter) = (interface.get().await, interface.signal_emitter());
        if before.state != attached.state {
            object.state_changed(emitter).await?;
        }
        if before.attached.info.attempts_left != attached.info.attempts_left {
            object.attempts_left_changed(emitter).await?;
        }
        Ok(())
    }
}
