//! Requests codes from tokens. Equal requests share one calculation. For a credential that requires a touch, each caller
//! has at most one request in the token's queue.

use std::collections::HashMap;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, Weak};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use tokio::sync::watch;

use super::{Error, Flows};
use crate::oath::{CodeRequest, CodeResult, ObjectId, TokenId, Touch, When};
use crate::operations::{Operation, State};
use crate::otp::Step;
use crate::registry::Found;
use crate::sync::IgnorePoison;
use crate::token::{self, Stage};

type Result<T> = std::result::Result<T, token::Error>;
type Calculation = BoxFuture<'static, Result<Arc<CodeResult>>>;

/// The running calculations and the queue locks of the tokens. One instance serves all callers for credentials without a
/// touch; each caller has its own instance for credentials with a touch.
#[derive(Debug, Default)]
pub struct Calculations {
    running: Mutex<HashMap<Key, Running>>,
    queue_locks: Mutex<HashMap<TokenId, Weak<QueueLock>>>,
}

/// The holder of this lock may have a request in the queue of the token.
type QueueLock = tokio::sync::Mutex<()>;

/// The key of a shared calculation: requests with the same key get the same code.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    credential: ObjectId,
    with_next: bool,
    set_time: bool,
    step: Step,
}

#[derive(Debug)]
struct Running {
    calculation: WeakShared<Calculation>,
    stages: watch::Receiver<Stage>,
}

impl Flows {
    /// Requests a code for this request alone, until the deadline.
    pub(super) async fn calculate(
        &self,
        found: &Found,
        when: When,
        operation: &Operation,
    ) -> std::result::Result<CodeResult, Error> {
        let (stage, stages) = watch::channel(Stage::Queued);
        let credential = found.credential.clone();
        let request = CodeRequest { credential, when, with_next: false, set_time: false };
        self.watched(self.calculation(found, request, stage), stages, found.credential.touch, operation).await
    }

    /// Requests the code of the current time step. Equal requests share one calculation and one touch.
    pub(super) async fn calculate_together(
        &self,
        found: &Found,
        with_next: bool,
        set_time: bool,
        operation: &Operation,
    ) -> std::result::Result<Arc<CodeResult>, Error> {
        let step = self.now(found.credential.name.period);
        let key = Key { credential: found.id.clone(), with_next, set_time, step };
        let (calculation, stages) = self.join(key, found);
        self.watched(calculation, stages, found.credential.touch, operation).await
    }

    /// The running calculation with this key, or a new one.
    fn join(&self, key: Key, found: &Found) -> (Shared<Calculation>, watch::Receiver<Stage>) {
        let needs_touch = found.credential.touch != Touch::No;
        let mut running = lock(if needs_touch { &self.touched.running } else { &self.calculations.running });
        let joined = running.get(&key).and_then(|running| {
            let calculation = running.calculation.upgrade().filter(|shared| shared.peek().is_none())?;
            Some((calculation, running.stages.clone()))
        });
        if let Some(joined) = joined {
            return joined;
        }
        running.retain(|_, running| running.calculation.upgrade().is_some());
        let (stage, stages) = watch::channel(Stage::Queued);
        let (with_next, set_time) = (key.with_next, key.set_time);
        let credential = found.credential.clone();
        let request = CodeRequest { credential, when: When::Now, with_next, set_time };
        let work = self.calculation(found, request, stage);
        let calculation = work.map(|result| result.map(Arc::new)).boxed().shared();
        if let Some(weak) = calculation.downgrade() {
            running.insert(key, Running { calculation: weak, stages: stages.clone() });
        }
        (calculation, stages)
    }

    /// Waits for the queue lock if the credential may require a touch, and calculates. The queue of the token therefore has at
    /// most one such request of each caller.
    fn calculation(
        &self,
        found: &Found,
        request: CodeRequest,
        stage: watch::Sender<Stage>,
    ) -> impl Future<Output = Result<CodeResult>> + Send + use<> {
        let queue_lock = (request.credential.touch != Touch::No).then(|| self.queue_lock(found));
        let token = found.token.token.clone();
        async move {
            let _queue = match queue_lock {
                Some(lock) => Some(lock.lock_owned().await),
                None => None,
            };
            token.calculate(request, stage).await
        }
    }

    fn queue_lock(&self, found: &Found) -> Arc<QueueLock> {
        let mut locks = lock(&self.touched.queue_locks);
        locks.retain(|_, lock| lock.strong_count() > 0);
        let id = &found.token.info.id;
        let queue_lock = locks.get(id).and_then(Weak::upgrade).unwrap_or_default();
        locks.insert(id.clone(), Arc::downgrade(&queue_lock));
        queue_lock
    }

    /// Publishes the progress of a calculation or another request to a token, and times out at the deadline of the operation.
    pub(super) async fn watched<T>(
        &self,
        calculation: impl Future<Output = Result<T>>,
        mut stages: watch::Receiver<Stage>,
        touch: Touch,
        operation: &Operation,
    ) -> std::result::Result<T, Error> {
        let (clock, deadline) = (&*self.clock, operation.deadline());
        let mut limit = clock.sleep(match touch {
            Touch::Yes => deadline.person(clock),
            Touch::No | Touch::Unknown => deadline.left(clock),
        });
        let mut calculation = pin!(calculation);
        loop {
            let stage = *stages.borrow_and_update();
            operation.set_state(state(stage));
            if stage == Stage::TouchNeeded {
                // The token did not report before that it requires a touch.
                if !operation.request().interactive {
                    return Err(Error::TouchRequired);
                }
                limit = clock.sleep(deadline.touch(clock));
            }
            tokio::select! {
                biased;
                done = &mut calculation => {
                    operation.set_state(State::Calculating);
                    return Ok(done?);
                }
                // Before the timeout, which may have come at the same moment: a touch that is needed has another one.
                Ok(()) = stages.changed() => {}
                () = &mut limit => return Err(too_late(stage, touch).into()),
            }
        }
    }
}

fn state(stage: Stage) -> State {
    match stage {
        Stage::Queued => State::Queued,
        Stage::Working => State::Calculating,
        Stage::TouchNeeded => State::WaitingTouch,
    }
}

fn too_late(stage: Stage, touch: Touch) -> token::Error {
    match (stage, touch) {
        (Stage::Queued, _) | (_, Touch::No) => token::Error::Busy,
        // After such a long wait the token probably waits for a touch without having reported it.
        (_, Touch::Yes | Touch::Unknown) => token::Error::TouchTimeout,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().ignore_poison()
}
