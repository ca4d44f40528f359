//! Unlocks tokens with the keys that the user's keyring remembers, or with a password in a systemd credential.

mod attempts;
mod credential;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::{Error, Flows};
use crate::keyring::{self, Keyring, Questions};
use crate::oath::TokenId;
use crate::operations::Operation;
use crate::registry::{Attached, Snapshot, State};
use crate::secret::SecretBytes;
use crate::token::{self, Secret, Stage, Unlock};
pub(super) use attempts::Attempts;

/// How long a request waits for an attempt without questions.
const ATTEMPT_LIMIT: Duration = Duration::from_secs(3);

/// Where keys are remembered.
#[derive(Debug)]
pub struct Memory {
    /// The keyring of the user.
    pub keyring: Keyring,
    /// The folder of the systemd credentials.
    pub credentials: Option<PathBuf>,
}

impl Flows {
    /// The same flows, which use remembered keys.
    #[must_use]
    pub fn with_memory(self, memory: Memory) -> Self {
        Self { memory: Some(Arc::new(memory)), ..self }
    }

    /// The attempts that are due with these tokens. `is_new` tells that all locked tokens may be tried again.
    pub fn due_attempts(
        &self,
        snapshot: &Snapshot,
        is_new: bool,
    ) -> Vec<impl Future<Output = ()> + Send + 'static> {
        let locked: Vec<_> =
            snapshot.tokens.values().filter(|attached| is_locked(attached)).cloned().collect();
        self.attempts.keep_only(locked.iter().map(|attached| &attached.info.id), is_new);
        let due = locked.into_iter().filter_map(|attached| {
            let questions = self.attempts.begin(&attached.info.id)?;
            let flows = self.clone();
            Some(async move {
                flows.attempt(&attached, questions).await;
                // The snapshot shows the outcome before a waiting request goes on.
                flows.registry.caught_up().await;
                flows.attempts.end(&attached.info.id);
            })
        });
        due.collect()
    }

    /// Whether no attempt begins from now on, so that nothing waits for one.
    pub fn pause_attempts(&self, is_paused: bool) {
        self.attempts.pause(is_paused);
    }

    /// Changes whenever an attempt may be due.
    pub fn wanted_attempts(&self) -> watch::Receiver<()> {
        self.attempts.wanted()
    }

    /// Locks all tokens; remembered keys are not used until the next `Unlock` of each token.
    pub async fn lock_all_until_unlock(&self) {
        self.attempts.hold_all();
        self.lock_all().await;
    }

    async fn attempt(&self, attached: &Attached, questions: Questions) {
        let Some(memory) = &self.memory else { return };
        let id = &attached.info.id;
        // Read first, so that a lock from here on wipes what is tried.
        let since = attached.token.wipe_counts();
        let unlock = |secret| Unlock { secret, since, may_require_touch: false, allow_last_attempts: false };
        let token = |secret| attached.token.unlock(unlock(secret), watch::channel(Stage::Queued).0);
        if let Some(password) = credential::password(memory.credentials.as_deref(), id).await {
            let tried = self.tried(id, async { Ok(token(Secret::Text(password)).await?) }).await;
            told(id, "its systemd credential", tried);
            return;
        }
        let Some(device) = &attached.info.device_id else { return };
        let key = match memory.keyring.find(device, questions).await {
            Ok(Some(key)) => key,
            Ok(None) | Err(keyring::Error::Absent) => return,
            Err(error) => return tracing::info!(token = %id, "no remembered key was used: {error}"),
        };
        if self.attempts.is_held(id) {
            return;
        }
        let tried = token(Secret::Key(key)).await;
        if tried == Err(token::Error::WrongPassword)
            && let Err(error) = memory.keyring.forget(device, questions).await
        {
            tracing::warn!(token = %id, "the keyring keeps a wrong key: {error}; delete it there");
        }
        told(id, "the remembered key", tried.map_err(Error::from));
    }

    /// Stores the key that unlocks the token.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] if it has none; [`Error::NotRemembered`].
    pub(super) async fn remember(&self, attached: &Attached, operation: &Operation) -> Result<(), Error> {
        let questions = match operation.request().interactive {
            true => Questions::Allowed,
            false => Questions::Refused,
        };
        let device = device_of(attached)?;
        let key = attached.token.kept_key().ok_or_else(|| Error::Unsupported(NO_PASSWORD.to_owned()))?;
        self.store(device, &key, &label(attached), questions).await.map_err(Error::NotRemembered)
    }

    /// Replaces the remembered key of a token whose password has changed, if there is one. The user is not asked: the token
    /// will refuse an old key, which is deleted then.
    pub(super) async fn remember_change(&self, attached: &Attached) {
        let (Some(memory), Some(device)) = (&self.memory, &attached.info.device_id) else { return };
        if !matches!(memory.keyring.find(device, Questions::Refused).await, Ok(Some(_))) {
            return;
        }
        let changed = match attached.token.kept_key() {
            Some(key) => self.store(device, &key, &label(attached), Questions::Refused).await,
            None => memory.keyring.forget(device, Questions::Refused).await,
        };
        if let Err(error) = changed {
            tracing::info!(token = %attached.info.id, "the keyring keeps the key of the old password: {error}");
        }
    }

    async fn store(
        &self,
        device: &str,
        key: &SecretBytes,
        label: &str,
        questions: Questions,
    ) -> Result<(), keyring::Error> {
        let memory = self.memory.as_ref().ok_or(keyring::Error::Absent)?;
        memory.keyring.store(device, key, label, questions).await
    }

    /// Waits for the attempts with locked tokens: shortly for one without questions, and then lets the keyring ask the user if
    /// the request may.
    pub(super) async fn await_attempts(&self, operation: &Operation) {
        self.first_attempts().await;
        if operation.request().interactive && self.memory.is_some() {
            self.attempts.want(&locked(&self.registry.now()));
        }
    }

    /// Waits shortly until each locked token was tried without questions.
    pub async fn first_attempts(&self) {
        if self.memory.is_some() {
            tokio::select! {
                () = self.attempts_ended() => {}
                () = self.clock.sleep(ATTEMPT_LIMIT) => {}
            }
        }
    }

    /// Completes when each token was tried that is locked.
    async fn attempts_ended(&self) {
        let (mut ends, mut snapshots) = (self.attempts.ends(), self.registry.subscribe());
        while !locked(&snapshots.borrow_and_update()).iter().all(|token| self.attempts.has_ended(token)) {
            let _ = tokio::select! {
                ended = ends.changed() => ended,
                changed = snapshots.changed() => changed,
            };
        }
    }
}

fn locked(snapshot: &Snapshot) -> Vec<TokenId> {
    let locked = snapshot.tokens.values().filter(|attached| is_locked(attached));
    locked.map(|attached| attached.info.id.clone()).collect()
}

/// Whether a remembered key may unlock the token.
fn is_locked(attached: &Attached) -> bool {
    attached.state == State::Locked && !attached.info.pin_set && attached.info.device_id.is_some()
}

/// Part of a sentence.
const NO_PASSWORD: &str = "it has no password";

/// Part of a sentence.
const NO_KEYS: &str = "its PIN is never stored";

/// The device id of a token whose keys can be remembered.
///
/// # Errors
///
/// [`Error::Unsupported`].
pub(super) fn device_of(attached: &Attached) -> Result<&str, Error> {
    let info = &attached.info;
    match &info.device_id {
        Some(device) if !info.pin_set => Ok(device),
        _ if info.pin_set => Err(Error::Unsupported(NO_KEYS.to_owned())),
        _ => Err(Error::Unsupported(NO_PASSWORD.to_owned())),
    }
}

/// What the user's program for the keyring shows.
fn label(attached: &Attached) -> String {
    let info = &attached.info;
    let model = if info.model.is_empty() { "token" } else { &info.model };
    format!("Access key of {model} {}", info.serial).trim_end().to_owned()
}

fn told(token: &TokenId, what: &str, tried: Result<(), Error>) {
    match tried {
        Ok(()) => tracing::info!(%token, "unlocked with {what}"),
        Err(error) => tracing::warn!(%token, "{what} did not unlock it: {error}"),
    }
}
