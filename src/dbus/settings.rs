//! The current configuration, and the problems that the registry does not know.

use std::collections::BTreeSet;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use tokio::sync::{Mutex, watch};

use super::error::Error;
use crate::clock::Clock;
use crate::config::{Files, Loaded, Reading};
use crate::logging::events;
use crate::sync::IgnorePoison;

/// The word of the D-Bus contract for a configuration that is not usable.
const INVALID: &str = "config-invalid";

/// The timeout of a call for reading broken files again. A file system may hang.
const MEND_TIMEOUT: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Settings {
    config: watch::Sender<Arc<Loaded>>,
    files: Files,
    /// Held while the files are read, so that an older reading never replaces a newer one.
    reading: Arc<Mutex<()>>,
    state: RwLock<State>,
    /// The problems, by their words.
    problems: watch::Sender<BTreeSet<&'static str>>,
    /// The number of changes of the configuration and of these problems.
    changes: watch::Sender<u64>,
}

/// Whether the configuration is usable.
#[derive(Debug)]
struct State {
    /// Whether there was a valid configuration.
    is_usable: bool,
    /// The last reading, if it failed.
    failed: Option<Arc<Reading>>,
}

impl Settings {
    /// Reads the files. May block.
    pub(super) fn new(files: Files) -> Self {
        let settings = Self {
            config: watch::Sender::default(),
            reading: Arc::default(),
            state: RwLock::new(State { is_usable: false, failed: None }),
            problems: watch::Sender::default(),
            changes: watch::Sender::new(0),
            files,
        };
        if let Err(error) = settings.take(settings.files.read()) {
            log_refusal(&error);
        }
        settings
    }

    /// The current configuration. Without a valid one it has the defaults, and [`Settings::refusal`] refuses most calls.
    pub(super) fn now(&self) -> Arc<Loaded> {
        Arc::clone(&self.config.borrow())
    }

    /// The current configuration, now and after each reload.
    pub(super) fn subscribe(&self) -> watch::Receiver<Arc<Loaded>> {
        self.config.subscribe()
    }

    /// Reads the configuration again, as a whole or not at all.
    ///
    /// # Errors
    ///
    /// `Config`, with file and line; the previous configuration, if there was one, stays in use.
    pub(super) async fn reload(&self) -> Result<Arc<Loaded>, Error> {
        let _reading = self.reading.lock().await;
        let files = self.files.clone();
        let reading = tokio::task::spawn_blocking(move || files.read());
        self.take(reading.await.map_err(|_| Error::internal())?)
    }

    /// Reads the configuration again if the last reading failed and a file has changed since; `None` otherwise, and if it
    /// takes too long. The last state decides then.
    pub(super) async fn mend(&self, clock: &dyn Clock) -> Option<Result<Arc<Loaded>, Error>> {
        self.failed()?;
        tokio::select! {
            biased;
            mended = self.reread(clock.unix_time()) => mended,
            () = clock.sleep(MEND_TIMEOUT) => None,
        }
    }

    async fn reread(&self, now: Duration) -> Option<Result<Arc<Loaded>, Error>> {
        // Held by the thread that reads, so that there is one such thread even if its call does not wait for it.
        let turn = Arc::clone(&self.reading).lock_owned().await;
        // Another call may have read it meanwhile.
        let failed = self.failed()?;
        let files = self.files.clone();
        let reading = tokio::task::spawn_blocking(move || (files.reread(&failed, now), failed, turn));
        let (reading, failed, _turn) = reading.await.ok()?;
        let reading = reading?;
        let is_news = reading.result.as_ref().err() != failed.result.as_ref().err();
        let taken = self.take(reading);
        is_news.then_some(taken)
    }

    /// The refusal of calls that need the configuration, while there was no valid one.
    pub(super) fn refusal(&self) -> Option<Error> {
        let state = self.state.read().ignore_poison();
        if state.is_usable {
            return None;
        }
        let error = state.failed.as_ref().and_then(|reading| reading.result.as_ref().err());
        Some(error.map_or_else(Error::internal, Error::no_config))
    }

    /// Uses a configuration if it is valid.
    fn take(&self, reading: Reading) -> Result<Arc<Loaded>, Error> {
        let mut state = self.state.write().ignore_poison();
        let taken = match reading.result {
            Ok(loaded) => {
                for warning in &loaded.warnings {
                    tracing::warn!("{warning}");
                }
                let loaded = Arc::new(loaded);
                *state = State { is_usable: true, failed: None };
                self.config.send_replace(Arc::clone(&loaded));
                self.changes.send_modify(|changes| *changes += 1);
                Ok(loaded)
            }
            Err(ref error) => {
                let error = if state.is_usable { Error::config(error) } else { Error::no_config(error) };
                state.failed = Some(Arc::new(reading));
                Err(error)
            }
        };
        drop(state);
        self.set_problem(INVALID, taken.is_err());
        taken
    }

    fn failed(&self) -> Option<Arc<Reading>> {
        self.state.read().ignore_poison().failed.clone()
    }

    /// The problems, by their words.
    pub(super) fn problems(&self) -> BTreeSet<&'static str> {
        self.problems.borrow().clone()
    }

    /// Whether this has changed something.
    pub(super) fn set_problem(&self, word: &'static str, exists: bool) -> bool {
        let changed = self.problems.send_if_modified(|problems| match exists {
            true => problems.insert(word),
            false => problems.remove(word),
        });
        if changed {
            self.changes.send_modify(|changes| *changes += 1);
        }
        changed
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

/// Logs that a configuration was not taken.
pub(super) fn log_refusal(error: &Error) {
    tracing::error!(name: events::CONFIG_REFUSED, "{}", error.sentence());
}
