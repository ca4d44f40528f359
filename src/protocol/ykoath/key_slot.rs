//! A place for an access key, where it can be wiped at any moment.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::AccessKey;

/// A place for one key; clones are the same place. There is no copy of the key outside: whoever uses it borrows it for
/// the time of a calculation, and anybody can empty the place, also while a token is waited for.
#[derive(Clone, Default)]
pub struct KeySlot {
    slot: Arc<Mutex<Slot>>,
}

#[derive(Default)]
struct Slot {
    key: Option<AccessKey>,
    wipes: u64,
}

impl KeySlot {
    /// Lends the key, if there is one. `work` must not wait for anything.
    pub fn lend<T>(&self, work: impl FnOnce(&AccessKey) -> T) -> Option<T> {
        self.lock().key.as_ref().map(work)
    }

    /// How often it was wiped, for [`KeySlot::put`].
    pub fn wipes(&self) -> u64 {
        self.lock().wipes
    }

    /// Puts a key in, unless the slot was wiped since it was counted: who wants the keys gone means this one too. False
    /// then.
    pub fn put(&self, key: AccessKey, wipes: u64) -> bool {
        let mut slot = self.lock();
        let is_wanted = slot.wipes == wipes;
        if is_wanted {
            slot.key = Some(key);
        }
        is_wanted
    }

    /// Takes the key out.
    pub fn take(&self) -> Option<AccessKey> {
        self.lock().key.take()
    }

    /// Empties it.
    pub fn wipe(&self) {
        let mut slot = self.lock();
        slot.key = None;
        slot.wipes += 1;
    }

    fn lock(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<AccessKey> for KeySlot {
    fn from(key: AccessKey) -> Self {
        let slot = Self::default();
        slot.put(key, 0);
        slot
    }
}

impl fmt::Debug for KeySlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeySlot(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::SecretText;

    #[test]
    fn a_key_that_was_proved_during_a_wipe_is_not_kept() {
        let slot = KeySlot::default();
        let key = || AccessKey::derive(&SecretText::from("password"), &[0; 8]);
        let wipes = slot.wipes();
        slot.wipe();
        assert!(!slot.put(key(), wipes));
        assert!(slot.lend(|_| ()).is_none());
        assert!(slot.put(key(), slot.wipes()));
        assert!(slot.lend(|_| ()).is_some());
    }
}
