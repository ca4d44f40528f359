//! How much of what belongs to callers is in memory. Each owner of such a thing holds a [`Counted`] beside it, so the
//! census is right whatever keeps the thing alive.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// Connections that have called.
    Client,
    /// Calls that were let in and have not ended.
    Call,
    /// Operations that have not ended, or whose end can still be asked about.
    Operation,
    /// Descriptors that are read, or wait for it.
    Descriptor,
    /// Queries that wait, or whose reply has not left.
    Query,
    /// Replies that a task waits for to leave.
    Reply,
}

const ITEMS: [(Item, &str); 6] = [
    (Item::Client, "clients"),
    (Item::Call, "calls"),
    (Item::Operation, "operations"),
    (Item::Descriptor, "descriptors"),
    (Item::Query, "queries"),
    (Item::Reply, "replies"),
];

/// The numbers; clones are the same census.
#[derive(Clone, Debug, Default)]
pub(super) struct Census(Arc<[AtomicUsize; ITEMS.len()]>);

/// One thing that counts until this is dropped.
#[derive(Debug)]
pub(super) struct Counted(Census, Item);

impl Census {
    /// One more.
    pub(super) fn count(&self, item: Item) -> Counted {
        self.add(item, 1);
        Counted(self.clone(), item)
    }

    fn add(&self, item: Item, change: isize) {
        if let Some(number) = self.0.get(item as usize) {
            number.fetch_add(change.cast_unsigned(), Ordering::Relaxed);
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.add(self.1, -1);
    }
}

impl fmt::Display for Census {
    /// `clients 0, calls 0, ...`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (number, (_, name))) in self.0.iter().zip(ITEMS).enumerate() {
            let comma = if place == 0 { "" } else { ", " };
            write!(f, "{comma}{name} {}", number.load(Ordering::Relaxed))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_thing_counts_for_as_long_as_it_is_held() {
        let census = Census::default();
        let empty = census.to_string();
        let held: Vec<_> = ITEMS.iter().map(|(item, _)| census.count(*item)).collect();
        assert_eq!(
            census.to_string(),
            "clients 1, calls 1, operations 1, descriptors 1, queries 1, replies 1"
        );
        drop(held);
        assert_eq!(census.to_string(), empty);
    }
}
