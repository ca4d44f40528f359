//! The readers to which the daemon has a connection.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::sync::{Arc, Mutex, MutexGuard};

use crate::sync::IgnorePoison;

/// Allows one connection for each reader. pcscd would make a second one wait for the transaction of the first, with the
/// connect lock held, and without end if the driver hangs in that transaction.
#[derive(Clone, Debug, Default)]
pub(super) struct OpenReaders(Arc<Mutex<BTreeSet<OsString>>>);

/// The permission for a connection to one reader, until dropped.
#[derive(Debug)]
pub(super) struct OpenReader {
    name: OsString,
    open: OpenReaders,
}

impl OpenReaders {
    /// The permission for this reader; `None` while there is a connection to it.
    pub(super) fn acquire(&self, name: &OsStr) -> Option<OpenReader> {
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
        let first = open.acquire(one).unwrap();
        assert!(open.acquire(one).is_none());
        assert_eq!(open.acquire(other).unwrap().name(), other);
        drop(first);
        assert!(open.acquire(one).is_some());
    }
}
