//! Locks that stay usable after a panic of their holder.

use std::sync::{LockResult, PoisonError};

/// For the results of `Mutex::lock`, `RwLock::read`, `RwLock::write` and `Condvar::wait`.
///
/// A thread that panicked while it held the lock poisons it. Each of our locks guards data that is whole after every
/// statement, so the others go on with it.
pub trait IgnorePoison {
    /// The guarded data.
    type Guard;

    /// The guard, poisoned or not.
    fn ignore_poison(self) -> Self::Guard;
}

impl<G> IgnorePoison for LockResult<G> {
    type Guard = G;

    fn ignore_poison(self) -> G {
        self.unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::thread;

    use super::*;

    #[test]
    fn a_lock_whose_holder_panicked_still_guards_its_data() {
        let mutex = Mutex::new(1);
        let holder = thread::scope(|scope| {
            scope
                .spawn(|| {
                    *mutex.lock().unwrap() = 2;
                    let _held = mutex.lock();
                    panic!("the holder of the lock");
                })
                .join()
        });
        assert!(holder.is_err() && mutex.is_poisoned());
        assert_eq!(*mutex.lock().ignore_poison(), 2);
    }
}
