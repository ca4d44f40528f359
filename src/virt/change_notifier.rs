//! Wakes the watcher of the plugged-in tokens.

use std::sync::{Condvar, Mutex, MutexGuard};

use crate::sync::IgnorePoison;

/// Counts changes; a watcher waits for the next one.
#[derive(Debug, Default)]
pub(super) struct ChangeNotifier {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    changes: u64,
    stopped: bool,
}

impl ChangeNotifier {
    /// Reports that a token was plugged in or pulled out.
    pub(super) fn notify(&self) {
        let mut state = self.lock();
        state.changes = state.changes.wrapping_add(1);
        drop(state);
        self.changed.notify_all();
    }

    /// Ends all current and later waits.
    pub(super) fn stop(&self) {
        self.lock().stopped = true;
        self.changed.notify_all();
    }

    /// Waits until the count of changes differs from `seen`; `None` after a stop.
    pub(super) fn wait(&self, seen: Option<u64>) -> Option<u64> {
        let state = self
            .changed
            .wait_while(self.lock(), |state| !state.stopped && seen == Some(state.changes))
            .ignore_poison();
        (!state.stopped).then_some(state.changes)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().ignore_poison()
    }
}
