//! The state of the object tree on the bus.

use std::collections::BTreeSet;
use std::sync::{Arc, RwLock};

use tokio::sync::watch;

use crate::sync::IgnorePoison;

/// The published state.
#[derive(Debug, Default)]
pub(super) struct Published {
    paths: Paths,
    /// The newest published snapshot, and the newest published change of the settings.
    shown: watch::Sender<(u64, u64)>,
    summary: watch::Sender<Summary>,
}

/// The daemon's summary, as published last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Whether all attached tokens were read.
    pub settled: bool,
    /// The words of `Manager.Problems`.
    pub problems: Vec<String>,
    /// The number of tokens with an object.
    pub tokens: usize,
    /// The number of locked tokens.
    pub locked: usize,
}

/// The paths of the published credentials. Clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Paths(Arc<RwLock<BTreeSet<String>>>);

impl Published {
    /// The paths of the credentials that have objects.
    pub(super) fn paths(&self) -> &Paths {
        &self.paths
    }

    /// Records that the tree shows this snapshot and this change of the settings.
    pub(super) fn show(&self, snapshot: u64, change: u64) {
        self.shown.send_replace((snapshot, change));
    }

    /// Waits until the tree shows this snapshot and this change of the settings, or later ones.
    pub(super) async fn has_shown(&self, snapshot: u64, change: u64) {
        let is_shown = |shown: &(u64, u64)| shown.0 >= snapshot && shown.1 >= change;
        // An error means that the daemon is ending.
        let _ = self.shown.subscribe().wait_for(is_shown).await;
    }

    /// Replaces the summary, and returns the previous one.
    pub(super) fn announce(&self, now: Summary) -> Summary {
        self.summary.send_replace(now)
    }

    /// The daemon's summary.
    pub(super) fn summary(&self) -> Summary {
        self.summary.borrow().clone()
    }

    /// The same, now and after each change.
    pub(super) fn summaries(&self) -> watch::Receiver<Summary> {
        self.summary.subscribe()
    }
}

impl Paths {
    /// Adds a path: calls to it go to its object.
    pub(super) fn add(&self, path: &str) {
        self.0.write().ignore_poison().insert(path.to_owned());
    }

    /// Removes a path.
    pub(super) fn remove(&self, path: &str) {
        self.0.write().ignore_poison().remove(path);
    }

    /// Whether there is an object at this path.
    pub(super) fn contains(&self, path: &str) -> bool {
        self.0.read().ignore_poison().contains(path)
    }
}
