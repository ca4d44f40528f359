//! The readers that a connection of ours is open to.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::sync::{Arc, Mutex, MutexGuard};

use crate::sync::IgnorePoison;

/// At most one connection to each reader. pcscd makes a second one wait for the first one's transaction, and it would
/// wait with the connect lock held: for ever, when that transaction is an exchange that a driver never ends.
#[derive(Clone, Debug, Default)]
pub(super) struct OpenReaders(Arc<Mutex<BTreeSet<OsString>>>);

/// The right to a connection to one reader, until this is dropped.
#[derive(Debug)]
pub(super) struct OpenReader {
    name: OsString,
    open: OpenReaders,
}

impl OpenReaders {
    /// Nothing while there is a connection to this reader.
    pub(super) fn enter(&self, name: &OsStr) -> Option<OpenReader> {
        let name = name.to_owned();
        self.names().insert(name.clone()).then(|| OpenReader { name, open: self.clone() })
    }

    fn names(&self) -> MutexGuard<'_, BTreeSet<OsString>> {
        self.0.lock().ignore_poison()
    }
}

impl OpenReader {
    pub(super) fn name(&self) -> &OsStr {
        &self.name
    }
}

impl Drop for OpenReader {
    fn drop(&mut self) {
        self.open.names().remove(&self.name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_has_one_connection_at_a_time() {
        let open = OpenReaders::default();
        let [one, other] = ["A", "B"].map(OsStr::new);
        let first = open.enter(one).unwrap();
        assert!(open.enter(one).is_none());
        assert_eq!(open.enter(other).unwrap().name(), other);
        drop(first);
        assert!(open.enter(one).is_some());
    }
}
