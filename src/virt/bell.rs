//! Wakes who watches which cards are plugged in.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Counts changes; a watcher waits for the next one.
#[derive(Debug, Default)]
pub(super) struct Bell {
    state: Mutex<State>,
    rung: Condvar,
}

#[derive(Debug, Default)]
struct State {
    changes: u64,
    stopped: bool,
}

impl Bell {
    /// Something was plugged in or pulled out.
    pub(super) fn ring(&self) {
        let mut state = self.lock();
        state.changes = state.changes.wrapping_add(1);
        drop(state);
        self.rung.notify_all();
    }

    /// No more waiting, now and later.
    pub(super) fn stop(&self) {
        self.lock().stopped = true;
        self.rung.notify_all();
    }

    /// Waits until the count of changes isn't `seen`; `None` once stopped.
    pub(super) fn wait(&self, seen: Option<u64>) -> Option<u64> {
        let state = self
            .rung
            .wait_while(self.lock(), |state| !state.stopped && seen == Some(state.changes))
            .unwrap_or_else(PoisonError::into_inner);
        (!state.stopped).then_some(state.changes)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
