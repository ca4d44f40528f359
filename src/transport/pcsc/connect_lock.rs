//! One thread at a time opens or closes a connection: libpcsclite doesn't protect its lists of contexts and cards.
//!
//! `SCardConnect` links a new card into the list of its context, and `SCardDisconnect` unlinks it, without the lock under
//! which other threads search the lists (`SCardAddHandle` and `SCardRemoveHandle` in winscard_clnt.c of pcsc-lite 1.9.9).
//! A search that meets a card half linked follows a wild pointer. A search goes from the oldest context on and ends with
//! its own, so a card that is linked before any younger context exists is met by no other search. Observed without the
//! lock: one crash in about 50,000 requests of many tokens at once.
//!
//! The lock is held for one call each time, never during an exchange, and it has no time limit. `SCardConnect` waits in
//! pcscd while another program has a transaction with the same card; all other connections wait that long, too.

use std::sync::{Mutex, MutexGuard, TryLockError};

use crate::sync::IgnorePoison;

static CONNECT_LOCK: Mutex<()> = Mutex::new(());

/// Waits for the lock. Hold it while a context is established or released and while a card is connected or
/// disconnected.
pub(super) fn hold() -> MutexGuard<'static, ()> {
    CONNECT_LOCK.lock().ignore_poison()
}

/// The lock, unless a thread holds it.
pub(super) fn try_hold() -> Option<MutexGuard<'static, ()>> {
    match CONNECT_LOCK.try_lock() {
        Ok(lock) => Some(lock),
        Err(TryLockError::Poisoned(error)) => Some(error.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::thread;

    use super::*;

    #[test]
    fn threads_hold_it_one_after_the_other() {
        static HOLDERS: AtomicU32 = AtomicU32::new(0);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..1_000 {
                        let _lock = hold();
                        assert_eq!(HOLDERS.fetch_add(1, Ordering::SeqCst), 0);
                        thread::yield_now();
                        HOLDERS.fetch_sub(1, Ordering::SeqCst);
                    }
                });
            }
        });
    }
}
