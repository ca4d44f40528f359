//! Counts the items of callers in memory. Each owner of an item holds a [`Counted`], so the census is correct whatever
//! keeps the item alive.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The counted items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// Clients.
    Client,
    /// Admitted calls that have not ended.
    Call,
    /// Operations that have not ended, or whose results are kept.
    Operation,
    /// Descriptors that are read or wait to be read.
    Descriptor,
    /// Queries that wait, or whose replies are not sent yet.
    Query,
    /// Replies whose sending a task waits for.
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

/// One item, which counts until this is dropped.
#[derive(Debug)]
pub(super) struct Counted(Census, Item);

impl Census {
    /// Counts one more item.
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
    fn each_item_counts_while_it_is_held() {
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
