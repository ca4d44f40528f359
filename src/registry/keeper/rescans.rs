//! The rescans of the transports, for callers whose token is missing.

use std::sync::Arc;

use super::{Keeper, Message, Waiter};

/// A running rescan of one transport.
pub(super) struct Rescan {
    waiters: Vec<Arc<Waiter>>,
    /// The waiters of the next rescan: their requests came after this one had begun.
    next: Vec<Arc<Waiter>>,
}

impl Keeper {
    /// Rescans each transport, and reads each device again whose reading failed. Each of them holds the waiter until it is
    /// done.
    pub(super) fn request_rescan(&mut self, waiter: Waiter) {
        let waiter = Arc::new(waiter);
        self.devices.values_mut().for_each(|device| device.hasten_retry(&waiter));
        for place in 0..self.transports().len() {
            match self.rescans.get_mut(&place) {
                Some(rescan) => rescan.next.push(Arc::clone(&waiter)),
                None => self.rescan(place, vec![Arc::clone(&waiter)]),
            }
        }
    }

    fn rescan(&mut self, place: usize, waiters: Vec<Arc<Waiter>>) {
        let Some(transport) = self.transports().get(place) else { return };
        let (transport, messages) = (Arc::clone(transport), self.messages.clone());
        tokio::task::spawn_blocking(move || {
            transport.rescan();
            // An error means that the daemon is ending.
            let _ = messages.send(Message::RescanEnded(place));
        });
        self.rescans.insert(place, Rescan { waiters, next: Vec::new() });
    }

    pub(super) fn end_rescan(&mut self, place: usize) {
        let Some(Rescan { waiters, next }) = self.rescans.remove(&place) else { return };
        // Dropping the waiters answers them: the presence of the transport has been published.
        drop(waiters);
        if !next.is_empty() {
            self.rescan(place, next);
        }
    }
}
