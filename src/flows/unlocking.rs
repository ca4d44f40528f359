//! The pending calls of `Unlock`. Locking a token also cancels pending unlocks of it, which may wait for the token for
//! minutes.

use std::sync::{Arc, Mutex, MutexGuard, Weak};

use tokio_util::sync::CancellationToken;

use crate::oath::TokenId;
use crate::sync::IgnorePoison;

/// A pending `Unlock`, registered at the start of the call and removed on drop.
#[derive(Debug)]
pub struct Unlocking {
    token: TokenId,
    locked: CancellationToken,
}

impl Unlocking {
    /// Whether the token was locked since the start of the call.
    pub(super) fn is_locked(&self) -> bool {
        self.locked.is_cancelled()
    }

    /// Completes when the token is locked.
    pub(super) async fn locked(&self) {
        self.locked.cancelled().await;
    }
}

/// All pending unlocks.
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

    /// Cancels the pending unlocks of a token, or of all tokens.
    pub(super) fn lock(&self, token: Option<&TokenId>) {
        for unlocking in self.running().iter().filter_map(Weak::upgrade) {
            if token.is_none_or(|token| *token == unlocking.token) {
                unlocking.locked.cancel();
            }
        }
    }

    fn running(&self) -> MutexGuard<'_, Vec<Weak<Unlocking>>> {
        self.running.lock().ignore_poison()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_cancels_earlier_unlocks_of_its_token_only() {
        let unlocks = Unlocks::default();
        let [id, other] = ["a", "b"].map(|value| TokenId::new("ykoath", value));
        drop(unlocks.begin(id.clone()));
        let [a, b] = [&id, &other].map(|token| unlocks.begin(token.clone()));
        assert_eq!(unlocks.running().len(), 2, "ended calls are removed");
        unlocks.lock(Some(&id));
        assert!(a.is_locked() && !b.is_locked());
        unlocks.lock(None);
        assert!(b.is_locked());
        assert!(!unlocks.begin(id).is_locked());
    }
}
