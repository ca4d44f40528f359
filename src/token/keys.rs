//! The access keys of one token.

use crate::oath::{KeySlot, UnlockKey};

/// The key that the token was unlocked with, and one that is being tried. The worker uses them; anybody with the token's
/// handle can wipe both, also while the worker waits for the token.
#[derive(Clone, Default)]
pub(super) struct Keys {
    pub(super) known: KeySlot,
    pub(super) tried: KeySlot,
}

/// When somebody began to unlock, counted in wipes.
#[derive(Clone, Copy, Debug)]
pub struct Since {
    known: u64,
    tried: u64,
}

impl Keys {
    /// Now.
    pub(super) fn since(&self) -> Since {
        Since { known: self.known.wipes(), tried: self.tried.wipes() }
    }

    /// Has a key tried, unless keys were wiped since.
    pub(super) fn try_out(&self, key: UnlockKey, since: Since) {
        self.tried.put(key, since.tried);
    }

    /// Keeps the key that was tried. False if keys were wiped since, and it is gone.
    pub(super) fn keep_tried(&self, since: Since) -> bool {
        self.tried.take().is_some_and(|key| self.known.put(key, since.known))
    }

    /// Empties the place of the key that is known, which is of no use any more. Unlike a wipe this says nothing of a key
    /// that is yet to be tried.
    pub(super) fn forget(&self) {
        drop(self.known.take());
    }

    /// Wipes them, and those that somebody has asked to be tried by now.
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
    fn a_wipe_hits_the_key_that_is_tried_as_well() {
        let keys = Keys::default();
        let since = keys.since();
        keys.try_out(key(), since);
        keys.wipe();
        assert!(keys.tried.lend(|_| ()).is_none());
        assert!(!keys.keep_tried(since));
        keys.try_out(key(), since);
        assert!(!keys.keep_tried(since), "it came from before the wipe");
        assert!(keys.known.lend(|_| ()).is_none());
        let since = keys.since();
        keys.forget();
        keys.try_out(key(), since);
        assert!(keys.keep_tried(since) && keys.known.lend(|_| ()).is_some());
    }
}
