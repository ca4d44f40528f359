//! The lock of a token that waits in the queue. Later ones share it, so that a flood of them takes one place.
//!
//! Each of them has wiped the key before, and the token is read after that, so the state that they wait for is the same.

use std::pin::Pin;
use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use futures_util::future::{Shared, WeakShared};
use tokio::sync::watch;

use super::{Error, Stage};
use crate::sync::IgnorePoison;

type Lock = Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>;

/// The last lock. Clones share it. It is not kept alive, because it has a handle to the token.
#[derive(Clone, Default)]
pub(super) struct Locking(Arc<Mutex<Option<Last>>>);

struct Last {
    lock: WeakShared<Lock>,
    stage: watch::Receiver<Stage>,
}

impl Locking {
    /// The last lock, if the worker has not taken it and a caller waits for it; otherwise a new one.
    pub(super) fn join<F>(&self, begin: impl FnOnce(watch::Sender<Stage>) -> F) -> Shared<Lock>
    where
        F: Future<Output = Result<(), Error>> + Send + 'static,
    {
        let mut last = self.0.lock().ignore_poison();
        let waiting = last.as_ref().filter(|last| *last.stage.borrow() == Stage::Queued);
        let waiting = waiting.and_then(|last| last.lock.upgrade());
        if let Some(lock) = waiting.filter(|lock| lock.peek().is_none()) {
            return lock;
        }
        let (sender, stage) = watch::channel(Stage::Queued);
        let lock: Lock = Box::pin(begin(sender));
        let lock = lock.shared();
        *last = lock.downgrade().map(|lock| Last { lock, stage });
        lock
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use tokio::sync::oneshot;

    use super::*;

    #[test]
    fn a_lock_is_shared_until_the_worker_takes_it_or_its_callers_leave() {
        let (locking, jobs) = (Locking::default(), RefCell::new(Vec::new()));
        let join = || {
            locking.join(|stage| {
                let (answer, answered) = oneshot::channel();
                jobs.borrow_mut().push((stage, answer));
                async move { answered.await.unwrap_or(Err(Error::Removed)) }
            })
        };
        let many: Vec<_> = (0..100).map(|_| join()).collect();
        assert_eq!(jobs.borrow().len(), 1);
        jobs.borrow()[0].0.send_replace(Stage::Working);
        let later = join();
        assert_eq!(jobs.borrow().len(), 2, "the running one may have read the token before");
        let (_, answer) = jobs.borrow_mut().remove(0);
        answer.send(Ok(())).unwrap();
        assert!(many.into_iter().all(|lock| lock.now_or_never() == Some(Ok(()))));
        drop(later);
        let last = join();
        assert_eq!(jobs.borrow().len(), 2, "nobody waited for it");
        let (_, answer) = jobs.borrow_mut().remove(1);
        answer.send(Err(Error::Busy)).unwrap();
        assert_eq!(last.clone().now_or_never(), Some(Err(Error::Busy)));
        let _next = join();
        assert_eq!(jobs.borrow().len(), 2, "it was not queued");
    }
}
