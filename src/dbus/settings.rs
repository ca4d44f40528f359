//! The current configuration, and the problems that the registry does not know.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::watch;

use super::error::Error;
use crate::config::{Config, Loaded};

#[derive(Debug)]
pub(super) struct Settings {
    config: watch::Sender<Arc<Loaded>>,
    /// `--config`, for [`Settings::reload`].
    path: Option<PathBuf>,
    /// The problems, by their words.
    problems: watch::Sender<BTreeSet<&'static str>>,
    /// The number of changes of the configuration and of these problems.
    changes: watch::Sender<u64>,
}

impl Settings {
    pub(super) fn new(config: Loaded, path: Option<PathBuf>) -> Self {
        Self {
            config: watch::Sender::new(Arc::new(config)),
            path,
            problems: watch::Sender::default(),
            changes: watch::Sender::new(0),
        }
    }

    /// The current configuration.
    pub(super) fn now(&self) -> Arc<Loaded> {
        Arc::clone(&self.config.borrow())
    }

    /// The current configuration, now and after each reload.
    pub(super) fn subscribe(&self) -> watch::Receiver<Arc<Loaded>> {
        self.config.subscribe()
    }

    /// Reloads the configuration, as a whole or not at all.
    ///
    /// # Errors
    ///
    /// `Config`, with file and line; the previous configuration stays in use.
    pub(super) async fn reload(&self) -> Result<Arc<Loaded>, Error> {
        let path = self.path.clone();
        let loading = tokio::task::spawn_blocking(move || Config::load(path.as_deref()));
        let loaded = loading.await.map_err(|_| Error::internal())?;
        self.set_problem("config-invalid", loaded.is_err());
        let loaded = Arc::new(loaded.map_err(Error::config)?);
        self.config.send_replace(Arc::clone(&loaded));
        self.changes.send_modify(|changes| *changes += 1);
        Ok(loaded)
    }

    /// The problems, by their words.
    pub(super) fn problems(&self) -> BTreeSet<&'static str> {
        self.problems.borrow().clone()
    }

    pub(super) fn set_problem(&self, word: &'static str, exists: bool) {
        let changed = self.problems.send_if_modified(|problems| match exists {
            true => problems.insert(word),
            false => problems.remove(word),
        });
        if changed {
            self.changes.send_modify(|changes| *changes += 1);
        }
    }

    /// The number of changes of the configuration and the problems.
    pub(super) fn change(&self) -> u64 {
        *self.changes.borrow()
    }

    /// The same, now and after each change.
    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }
}
