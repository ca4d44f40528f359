//! One thread at a time opens or closes: libpcsclite doesn't protect its lists of contexts and cards well enough.
//!
//! `SCardConnect` links a new card into its context's list, and `SCardDisconnect` searches the lists of all contexts,
//! without the lock under which other threads search them (`SCardAddHandle` and `SCardRemoveHandle` in
//! winscard_clnt.c of pcsc-lite 1.9.9): a search that meets a card half linked follows a wild pointer. Searches go
//! from the oldest context on and end with their own, so a card that is linked before any younger context exists is
//! met by nobody. Met in practice: about once in 50,000 requests of many tokens at once.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Who opens a card whose reader hangs keeps the turn; then the others go on without it.
const PATIENCE: Duration = Duration::from_millis(500);

static TURN: Turn = Turn { taken: Mutex::new(false), free: Condvar::new() };

struct Turn {
    taken: Mutex<bool>,
    free: Condvar,
}

/// The turn, until this is dropped.
pub(super) struct Held {
    is_ours: bool,
}

/// Waits for the turn to open or to close a context or a card.
pub(super) fn take() -> Held {
    let taken = TURN.taken.lock().unwrap_or_else(PoisonError::into_inner);
    let waited = TURN.free.wait_timeout_while(taken, PATIENCE, |taken| *taken);
    let (mut taken, _) = waited.unwrap_or_else(PoisonError::into_inner);
    let is_ours = !std::mem::replace(&mut *taken, true);
    Held { is_ours }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.is_ours {
            *TURN.taken.lock().unwrap_or_else(PoisonError::into_inner) = false;
            TURN.free.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn one_at_a_time_and_nobody_for_ever() {
        let first = take();
        assert!(first.is_ours);
        let second = thread::spawn(take).join().unwrap();
        assert!(!second.is_ours, "it went on without");
        drop(second);
        assert!(!thread::spawn(take).join().unwrap().is_ours, "which gives nothing away");
        let waiting = thread::spawn(take);
        drop(first);
        assert!(waiting.join().unwrap().is_ours);
        assert!(take().is_ours);
    }
}
