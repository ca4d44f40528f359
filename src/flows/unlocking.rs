//! Calls of `Unlock` that have not ended. Who locks a token means those too that have not got to it: one may wait for
//! its token for minutes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio_util::sync::CancellationToken;

use crate::oath::TokenId;

/// One of them, from its first moment on. It ends when this is dropped.
#[derive(Debug)]
pub struct Unlocking {
    token: TokenId,
    locked: CancellationToken,
}

impl Unlocking {
    /// Whether somebody has locked its token since.
    pub(super) fn is_locked(&self) -> bool {
        self.locked.is_cancelled()
    }

    /// Ends when somebody locks its token.
    pub(super) async fn locked(&self) {
        self.locked.cancelled().await;
    }
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Unlocks {
    running: Mutex<Vec<Weak<Unlocking>>>,
}

impl Unlocks {
    pub(super) fn begin(&self, token: TokenId) -> Arc<Unlocking> {
        let unlocking = Arc::new(Unlocking { token, locked: CancellationToken::new() });
        let mut running = self.running();
        running.retain(|old| old.strong_count() > 0);
        running.push(Arc::downgrade(&unlocking));
        unlocking
    }

    /// Locks a token, or all of them.
    pub(super) fn lock(&self, token: Option<&TokenId>) {
        for unlocking in self.running().iter().filter_map(Weak::upgrade) {
            if token.is_none_or(|token| *token == unlocking.token) {
                unlocking.locked.cancel();
            }
        }
    }

    fn running(&self) -> MutexGuard<'_, Vec<Weak<Unlocking>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_means_what_has_begun_and_what_is_about_its_token() {
        let unlocks = Unlocks::default();
        let [id, other] = ["a", "b"].map(|value| TokenId::new("ykoath", value));
        drop(unlocks.begin(id.clone()));
        let [a, b] = [&id, &other].map(|token| unlocks.begin(token.clone()));
        assert_eq!(unlocks.running().len(), 2, "what has ended is let go");
        unlocks.lock(Some(&id));
        assert!(a.is_locked() && !b.is_locked());
        unlocks.lock(None);
        assert!(b.is_locked());
        assert!(!unlocks.begin(id).is_locked());
    }
}
