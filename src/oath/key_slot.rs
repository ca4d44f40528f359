//! The key that unlocks a token, and a slot in which it can be wiped at any moment.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

use crate::secret::SecretBytes;
use crate::sync::IgnorePoison;

/// The bytes that unlock one token, for example YKOATH's access key. The type cannot be copied, so that a wipe leaves no copy.
pub struct UnlockKey(SecretBytes);

impl UnlockKey {
    /// A key of these bytes.
    pub fn new(bytes: SecretBytes) -> Self {
        Self(bytes)
    }

    /// The bytes; only a family's protocol needs them.
    pub fn expose(&self) -> &[u8] {
        self.0.expose()
    }
}

impl fmt::Debug for UnlockKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UnlockKey(..)")
    }
}

/// A slot for one key; clones share the slot.
///
/// No copy of the key exists outside. A borrower uses the key for the time of one calculation. Every clone can empty the
/// slot, also while a token is busy.
#[derive(Clone, Default)]
pub struct KeySlot {
    slot: Arc<Mutex<Slot>>,
}

#[derive(Default)]
struct Slot {
    key: Option<UnlockKey>,
    wipes: u64,
}

impl KeySlot {
    /// Lends the key, if there is one. `work` must not block.
    pub fn lend<T>(&self, work: impl FnOnce(&UnlockKey) -> T) -> Option<T> {
        self.lock().key.as_ref().map(work)
    }

    /// The number of wipes so far, for [`KeySlot::put`].
    pub fn wipes(&self) -> u64 {
        self.lock().wipes
    }

    /// Stores a key, unless the slot was wiped after `wipes` was read, because that wipe includes this key. Returns whether
    /// the key was stored.
    pub fn put(&self, key: UnlockKey, wipes: u64) -> bool {
        let mut slot = self.lock();
        let is_wanted = slot.wipes == wipes;
        if is_wanted {
            slot.key = Some(key);
        }
        is_wanted
    }

    /// Takes the key out.
    pub fn take(&self) -> Option<UnlockKey> {
        self.lock().key.take()
    }

    /// Empties the slot.
    pub fn wipe(&self) {
        let mut slot = self.lock();
        slot.key = None;
        slot.wipes += 1;
    }

    fn lock(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().ignore_poison()
    }
}

impl From<UnlockKey> for KeySlot {
    fn from(key: UnlockKey) -> Self {
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

    #[test]
    fn a_key_from_before_a_wipe_is_not_stored() {
        let slot = KeySlot::default();
        let key = || UnlockKey::new(SecretBytes::new(vec![7; 16]));
        let wipes = slot.wipes();
        slot.wipe();
        assert!(!slot.put(key(), wipes));
        assert!(slot.lend(|_| ()).is_none());
        assert!(slot.put(key(), slot.wipes()));
        assert!(slot.lend(|_| ()).is_some());
    }

    #[test]
    fn debug_shows_no_key() {
        let key = UnlockKey::new(SecretBytes::new(vec![7; 16]));
        assert_eq!(format!("{key:?} {:?}", KeySlot::default()), "UnlockKey(..) KeySlot(..)");
    }
}
