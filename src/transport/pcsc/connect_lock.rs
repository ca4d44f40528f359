//! A lock that serialises connects and disconnects, because libpcsclite does not protect its lists of contexts and cards.
//!
//! `SCardConnect` links a new card into the list of its context, and `SCardDisconnect` unlinks it, without the lock under
//! which other threads search the lists (`SCardAddHandle` and `SCardRemoveHandle` in winscard_clnt.c of pcsc-lite 1.9.9).
//! A search that reaches a half-linked card follows an invalid pointer. A search starts at the oldest context and ends at
//! its own, so it does not reach cards of younger contexts. Without the lock, one in about 50,000 concurrent requests
//! crashed.
//!
//! The lock is held for one call at a time and never during an exchange. It has no timeout: `SCardConnect` waits in pcscd
//! while another program has a transaction with the same card, and all other connects wait for it.

use std::sync::{Mutex, MutexGuard, TryLockError};

use crate::sync::IgnorePoison;

static CONNECT_LOCK: Mutex<()> = Mutex::new(());

/// Waits for the lock. Hold it while a context is established or released, and while a card is connected or
/// disconnected.
pub(super) fn hold() -> MutexGuard<'static, ()> {
    CONNECT_LOCK.lock().ignore_poison()
}

/// The lock, or `None` while a thread holds it.
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
