//! The access key of an unlocked token, where it can be wiped at any moment.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::protocol::ykoath::AccessKey;

/// A place for one key. The worker uses what is in it; anybody with the token's handle can empty it, also while
/// the worker waits for the token.
#[derive(Clone, Default)]
pub(super) struct KeySlot {
    slot: Arc<Mutex<Slot>>,
}

#[derive(Default)]
struct Slot {
    key: Option<AccessKey>,
    wipes: u64,
}

impl KeySlot {
    /// A copy of the key, wiped when dropped.
    pub(super) fn get(&self) -> Option<AccessKey> {
        self.lock().key.clone()
    }

    /// How often it was wiped, for [`KeySlot::put`].
    pub(super) fn wipes(&self) -> u64 {
        self.lock().wipes
    }

    /// Puts a key in, unless the slot was wiped since it was counted: who wants the keys gone means this one too.
    pub(super) fn put(&self, key: AccessKey, wipes: u64) {
        let mut slot = self.lock();
        if slot.wipes == wipes {
            slot.key = Some(key);
        }
    }

    /// Empties it.
    pub(super) fn wipe(&self) {
        let mut slot = self.lock();
        slot.key = None;
        slot.wipes += 1;
    }

    fn lock(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::SecretText;

    #[test]
    fn a_key_that_was_proved_during_a_wipe_is_not_kept() {
        let slot = KeySlot::default();
        let key = AccessKey::derive(&SecretText::from("password"), &[0; 8]);
        let wipes = slot.wipes();
        slot.wipe();
        slot.put(key.clone(), wipes);
        assert!(slot.get().is_none());
        slot.put(key, slot.wipes());
        assert!(slot.get().is_some());
    }
}
