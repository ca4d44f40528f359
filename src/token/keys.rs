//! The access keys of one token.

use crate::oath::{KeySlot, UnlockKey};

/// The key that has unlocked the token, and the key that is being tried. The worker uses them. Every handle of the token can
/// wipe both, even while the worker waits for the token.
#[derive(Clone, Default)]
pub(super) struct Keys {
    pub(super) known: KeySlot,
    pub(super) tried: KeySlot,
}

/// The numbers of wipes so far. They show whether keys were wiped after a request.
#[derive(Clone, Copy, Debug)]
pub struct WipeCounts {
    known: u64,
    tried: u64,
}

impl Keys {
    /// The current wipe counts.
    pub(super) fn wipe_counts(&self) -> WipeCounts {
        WipeCounts { known: self.known.wipes(), tried: self.tried.wipes() }
    }

    /// Stores a key to be tried, unless keys were wiped after `since`.
    pub(super) fn try_out(&self, key: UnlockKey, since: WipeCounts) {
        self.tried.put(key, since.tried);
    }

    /// Keeps the tried key as the known one. Returns `false` if keys were wiped after `since`.
    pub(super) fn keep_tried(&self, since: WipeCounts) -> bool {
        self.tried.take().is_some_and(|key| self.known.put(key, since.known))
    }

    /// Drops the known key, because the token refuses it. Unlike [`Keys::wipe`], does not affect a key that will be tried.
    pub(super) fn forget(&self) {
        drop(self.known.take());
    }

    /// Wipes both keys, and the keys of all earlier requests to unlock.
    pub(super) fn wipe(&self) {
        self.tried.wipe();
        self.known.wipe();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::SecretBytes;

    fn key() -> UnlockKey {
        UnlockKey::new(SecretBytes::new(vec![7; 16]))
    }

    #[test]
    fn a_wipe_includes_the_key_that_is_tried() {
        let keys = Keys::default();
        let since = keys.wipe_counts();
        keys.try_out(key(), since);
        keys.wipe();
        assert!(keys.tried.lend(|_| ()).is_none());
        assert!(!keys.keep_tried(since));
        keys.try_out(key(), since);
        assert!(!keys.keep_tried(since), "it came from before the wipe");
        assert!(keys.known.lend(|_| ()).is_none());
        let since = keys.wipe_counts();
        keys.forget();
        keys.try_out(key(), since);
        assert!(keys.keep_tried(since) && keys.known.lend(|_| ()).is_some());
    }
}
