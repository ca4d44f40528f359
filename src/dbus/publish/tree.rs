//! Keeps the object tree equal to the registry's snapshots and the configuration.
//!
//! Order of signals: a token, its credentials, the profiles that name them, then the token's state; the reverse on
//! removal.

use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};

use zbus::{Connection, ObjectServer};

use super::problems;
use super::profiles::Profiles;
use crate::dbus::bridge::Bridge;
use crate::dbus::names;
use crate::dbus::objects::{CredentialObject, ManagerObject, TokenObject, TokenView as View};
use crate::dbus::published::Summary;
use crate::oath::{Credential, ObjectId, TokenId};
use crate::registry::{Attached, Snapshot, State};
use crate::sync::IgnorePoison;
use crate::token::Info;

/// Runs until the bus is lost.
pub(in crate::dbus) async fn run(connection: Connection, bridge: Arc<Bridge>) {
    let mut snapshots = bridge.flows.registry().subscribe();
    let mut changes = bridge.settings.changes();
    let server = connection.object_server().clone();
    let profiles = Profiles::new(server.clone());
    let mut published_tree = PublishedTree { server, bridge, tokens: BTreeMap::new(), profiles };
    loop {
        let change = *changes.borrow_and_update();
        let snapshot = Arc::clone(&snapshots.borrow_and_update());
        if let Err(error) = published_tree.update(&snapshot).await {
            tracing::error!("cannot update the object tree: {error}");
        }
        // Also after an error, so that callers do not wait for the snapshot for ever.
        published_tree.bridge.published.show(snapshot.version, change);
        let changed = tokio::select! {
            changed = snapshots.changed() => changed,
            changed = changes.changed() => changed,
        };
        if changed.is_err() {
            return;
        }
    }
}

struct PublishedTree {
    server: ObjectServer,
    bridge: Arc<Bridge>,
    tokens: BTreeMap<TokenId, Shown>,
    profiles: Profiles,
}

/// A published token.
struct Shown {
    view: Arc<RwLock<View>>,
    credentials: BTreeMap<ObjectId, Credential>,
}

impl PublishedTree {
    async fn update(&mut self, snapshot: &Snapshot) -> zbus::Result<()> {
        let stays = |credential: &ObjectId| self.stays(credential, snapshot);
        self.profiles.retract(snapshot, stays).await?;
        self.remove_tokens(snapshot).await?;
        let mut ready = Vec::new();
        for attached in snapshot.tokens.values() {
            let before = self.show_token(attached).await?;
            ready.extend(before.filter(|_| attached.state == State::Ready).map(|before| (attached, before)));
        }
        let config = self.bridge.settings.now();
        self.profiles.show(&config.config.profiles, snapshot).await?;
        for (attached, before) in ready {
            if let Some(shown) = self.tokens.get(&attached.info.id) {
                shown.announce(&self.server, &before, attached).await?;
            }
        }
        self.show_manager(snapshot).await
    }

    async fn remove_tokens(&mut self, snapshot: &Snapshot) -> zbus::Result<()> {
        let gone: Vec<_> = self
            .tokens
            .iter()
            .filter(|(id, shown)| !snapshot.tokens.get(*id).is_some_and(|attached| shown.is_same(attached)))
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

    /// Publishes a token and its credentials, except the state `ready`; returns the previous view.
    async fn show_token(&mut self, attached: &Arc<Attached>) -> zbus::Result<Option<View>> {
        let id = &attached.info.id;
        if !self.tokens.contains_key(id) {
            // Its state is published last, after its credentials.
            let view =
                View { attached: Arc::clone(attached), state: State::Reading, state_reason: String::new() };
            let view = Arc::new(RwLock::new(view));
            let object = TokenObject { view: Arc::clone(&view), bridge: Arc::clone(&self.bridge) };
            self.server.at(names::token(id), object).await?;
            self.tokens.insert(id.clone(), Shown { view, credentials: BTreeMap::new() });
        }
        let Some(shown) = self.tokens.get_mut(id) else { return Ok(None) };
        let before = shown.replace(attached);
        if attached.state != State::Ready {
            shown.announce(&self.server, &before, attached).await?;
        }
        shown.show_credentials(&self.server, &self.bridge, attached).await?;
        Ok(Some(before))
    }

    /// Whether the objects of a credential and of its token outlast the change to `snapshot`.
    fn stays(&self, credential: &ObjectId, snapshot: &Snapshot) -> bool {
        let token = credential.token();
        let (Some(shown), Some(attached)) = (self.tokens.get(token), snapshot.tokens.get(token)) else {
            return false;
        };
        let object = shown.credentials.get(credential);
        shown.is_same(attached) && object.is_some() && object == attached.credentials.get(credential)
    }

    async fn show_manager(&mut self, snapshot: &Snapshot) -> zbus::Result<()> {
        let interface = self.server.interface::<_, ManagerObject>(names::ROOT).await?;
        let (object, emitter) = (interface.get().await, interface.signal_emitter());
        let locked = snapshot.tokens.values().filter(|attached| attached.state == State::Locked).count();
        let now = Summary {
            settled: snapshot.settled,
            problems: problem_words(&self.bridge, snapshot),
            tokens: snapshot.tokens.len(),
            locked,
        };
        let before = self.bridge.published.announce(now.clone());
        if before.settled != now.settled {
            object.settled_changed(emitter).await?;
        }
        if before.problems != now.problems {
            problems::log_changes(&before.problems, &now.problems);
            object.problems_changed(emitter).await?;
        }
        Ok(())
    }
}

/// The words of the D-Bus contract for the current problems.
fn problem_words(bridge: &Bridge, snapshot: &Snapshot) -> Vec<String> {
    let of_transports = problems::words(snapshot, &bridge.settings.now().config.hid);
    of_transports.into_iter().chain(bridge.settings.problems()).map(str::to_owned).collect()
}

/// Removes a credential; later calls are answered without the object.
async fn remove_credential(server: &ObjectServer, bridge: &Bridge, id: &ObjectId) -> zbus::Result<()> {
    let path = names::credential(id);
    bridge.published.paths().remove(&path);
    server.remove::<CredentialObject, _>(&path).await.map(drop)
}

impl Shown {
    /// Whether the token is that of this object, and not another one with the same id.
    fn is_same(&self, attached: &Attached) -> bool {
        let view = self.view.read().ignore_poison();
        let earlier = &view.attached;
        // These are constant in the interface, so an object cannot change them. Those of a place become known when its card is
        // read; those of a token stay.
        let (info, before) = (&attached.info, &earlier.info);
        let of_place = |info: &Info| {
            info.is_unidentified()
                .then(|| [&info.vendor, &info.model, &info.serial, &info.firmware].map(String::clone))
        };
        attached.continues(earlier)
            && attached.transports == earlier.transports
            && info.reader == before.reader
            && of_place(info) == of_place(before)
    }

    /// Replaces the view, except the state; returns the previous one.
    fn replace(&self, attached: &Arc<Attached>) -> View {
        let mut view = self.view.write().ignore_poison();
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
                    credential: credential.clone(),
                    bridge: Arc::clone(bridge),
                };
                let path = names::credential(id);
                server.at(&path, object).await?;
                bridge.published.paths().add(&path);
                self.credentials.insert(id.clone(), credential.clone());
            }
        }
        Ok(())
    }

    async fn announce(&self, server: &ObjectServer, before: &View, attached: &Attached) -> zbus::Result<()> {
        let state_reason = {
            let mut view = self.view.write().ignore_poison();
            view.set_state(&attached.state);
            view.state_reason.clone()
        };
        let interface = server.interface::<_, TokenObject>(names::token(&attached.info.id)).await?;
        let (object, emitter) = (interface.get().await, interface.signal_emitter());
        // A client that keeps both sees no error without its reason, and no other state with one.
        let (is_other, is_error) = (before.state_reason != state_reason, !state_reason.is_empty());
        if is_other && is_error {
            object.state_reason_changed(emitter).await?;
        }
        if before.state != attached.state {
            object.state_changed(emitter).await?;
        }
        if is_other && !is_error {
            object.state_reason_changed(emitter).await?;
        }
        if before.attached.info.pin_set != attached.info.pin_set {
            object.pin_set_changed(emitter).await?;
        }
        if before.attached.info.attempts_left != attached.info.attempts_left {
            object.attempts_left_changed(emitter).await?;
        }
        Ok(())
    }
}
