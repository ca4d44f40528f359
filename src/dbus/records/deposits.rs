//! The descriptors of calls that are not answered yet. Each call takes its own when it reads them.

use std::collections::HashMap;

use crate::access::Refusal;
use crate::dbus::census::Counted;
use crate::dbus::descriptors::Held;

/// The number of calls of one client whose descriptors are kept.
const MAX_CALLS: usize = 64;

/// A descriptor, and its count in the census.
type Deposit = (Held, Counted);

/// The descriptors of one client, by the serial numbers of its calls.
#[derive(Debug, Default)]
pub(in crate::dbus) struct Deposits(HashMap<u32, Vec<Option<Deposit>>>);

impl Deposits {
    /// Keeps the descriptors of a call.
    ///
    /// # Errors
    ///
    /// [`Refusal::Busy`] if those of too many calls are kept, and for a serial number that waits for its reply.
    pub(in crate::dbus) fn put(&mut self, serial: u32, deposits: Vec<Deposit>) -> Result<(), Refusal> {
        if self.0.len() == MAX_CALLS || self.0.contains_key(&serial) {
            return Err(Refusal::Busy);
        }
        self.0.insert(serial, deposits.into_iter().map(Some).collect());
        Ok(())
    }

    /// Takes one descriptor of a call.
    pub(in crate::dbus) fn take(&mut self, serial: u32, place: usize) -> Option<Deposit> {
        self.0.get_mut(&serial)?.get_mut(place)?.take()
    }

    /// Drops what an answered call has not read.
    pub(in crate::dbus) fn answered(&mut self, serial: u32) {
        self.0.remove(&serial);
    }

    /// Drops everything, because the client has left.
    pub(in crate::dbus) fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dbus::census::{Census, Item};
    use crate::dbus::descriptors::Closers;
    use crate::secret::sealed;

    fn deposit(census: &Census, count: usize) -> Vec<Deposit> {
        let closers = Closers::new();
        let held = || Held::new(sealed(b"x").unwrap(), &closers);
        (0..count).map(|_| (held(), census.count(Item::Descriptor))).collect()
    }

    #[test]
    fn each_descriptor_is_taken_once_and_the_rest_is_dropped_with_the_reply() {
        let census = Census::default();
        let empty = census.to_string();
        let mut deposits = Deposits::default();
        deposits.put(7, deposit(&census, 2)).unwrap();
        assert_eq!(deposits.put(7, deposit(&census, 1)), Err(Refusal::Busy), "one number, one reply");
        assert!(deposits.take(7, 1).is_some());
        assert!(
            deposits.take(7, 1).is_none() && deposits.take(7, 2).is_none() && deposits.take(8, 0).is_none()
        );
        assert_ne!(census.to_string(), empty);
        deposits.answered(7);
        assert_eq!(census.to_string(), empty);
        assert!(deposits.take(7, 0).is_none());
    }

    #[test]
    fn the_calls_of_one_client_are_limited() {
        let (census, mut deposits) = (Census::default(), Deposits::default());
        let kept = (0..1_000).take_while(|serial| deposits.put(*serial, deposit(&census, 1)).is_ok()).count();
        assert_eq!(kept, MAX_CALLS);
        deposits.clear();
        deposits.put(0, deposit(&census, 1)).unwrap();
    }
}
