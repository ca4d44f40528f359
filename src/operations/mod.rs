//! A running request: its state, its deadline, who asked, what a person has to do for it, and how it is ended early.
//!
//! One rule decides about ending early: what is not sent can be cancelled, what is sent can't be taken back. So a
//! flow says when it begins to submit ([`Operation::begin_submission`]), and from then until it says that the
//! outcome is known ([`Operation::end_submission`]) nothing interrupts it.

mod deadline;
mod facts;
mod operation;
mod request;
mod state;
#[cfg(test)]
mod tests;
mod wait;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{mpsc, oneshot, watch};

use crate::clock::Clock;

pub use deadline::Deadline;
pub use facts::{Challenge, Facts};
pub use operation::Operation;
pub use request::{Cancellation, Request, Requester};
pub use state::{Kind, Need, Sending, State};
pub use wait::Wait;

/// What becomes of the operations that others can see, in the order in which it happens.
#[derive(Debug)]
pub enum Event {
    /// From now on others can see it; it starts with this state.
    Published(Operation, State),
    /// Its state changed.
    Changed(Operation, State),
    /// It is known now which credential it is about.
    Found(Operation),
    /// Nobody shall see it any more.
    Forgotten(Operation),
    /// Somebody waits until everything before this is shown.
    Barrier(oneshot::Sender<()>),
}

/// The running operations; clones are the same set.
#[derive(Clone, Debug)]
pub struct Operations {
    hub: Arc<Hub>,
}

/// What the operations share.
#[derive(Debug)]
struct Hub {
    clock: Arc<dyn Clock>,
    events: mpsc::UnboundedSender<Event>,
    waits: watch::Sender<Arc<Vec<Wait>>>,
    running: Mutex<Running>,
}

#[derive(Debug, Default)]
struct Running {
    next: u64,
    operations: BTreeMap<u64, Operation>,
    /// Caller and handle of those that were given one, for as long as they can be asked about.
    handles: BTreeSet<(String, String)>,
}

/// The caller has an operation with this handle already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the handle is in use")]
pub struct HandleInUse;

impl Operations {
    /// No operations yet, and where their news will come from.
    pub fn new(clock: Arc<dyn Clock>) -> (Self, mpsc::UnboundedReceiver<Event>) {
        let (events, news) = mpsc::unbounded_channel();
        let hub = Hub { clock, events, waits: watch::Sender::default(), running: Mutex::default() };
        (Self { hub: Arc::new(hub) }, news)
    }

    /// Begins an operation. One with a handle can be seen at once.
    ///
    /// # Errors
    ///
    /// [`HandleInUse`] while the caller's last operation of that handle runs or is kept.
    pub fn begin(&self, request: Request) -> Result<Operation, HandleInUse> {
        let operation = {
            let mut running = self.hub.running();
            if let Some(handle) = &request.handle {
                let is_new = running.handles.insert((request.caller.clone(), handle.clone()));
                is_new.then_some(()).ok_or(HandleInUse)?;
            }
            let number = running.next;
            running.next += 1;
            let operation = Operation::new(number, request, Arc::clone(&self.hub));
            running.operations.insert(number, operation.clone());
            operation
        };
        if operation.request().handle.is_some() {
            operation.publish();
        }
        Ok(operation)
    }

    /// Cancels whatever this caller's operations have not sent yet.
    pub fn cancel_of(&self, caller: &str, why: Cancellation) {
        self.cancel_if(why, |operation| operation.request().caller == caller);
    }

    /// Cancels whatever is not sent yet.
    pub fn cancel_all(&self, why: Cancellation) {
        self.cancel_if(why, |_| true);
    }

    /// What persons have to do now, the oldest first.
    pub fn waits(&self) -> watch::Receiver<Arc<Vec<Wait>>> {
        self.hub.waits.subscribe()
    }

    /// Waits until whoever shows the operations has shown everything that happened until now.
    pub async fn caught_up(&self) {
        let (done, shown) = oneshot::channel();
        self.hub.tell(Event::Barrier(done));
        // An error means that the daemon is ending.
        let _ = shown.await;
    }

    /// How many run.
    pub fn count(&self) -> usize {
        self.hub.running().operations.len()
    }

    fn cancel_if(&self, why: Cancellation, is_meant: impl Fn(&Operation) -> bool) {
        let meant: Vec<_> =
            self.hub.running().operations.values().filter(|operation| is_meant(operation)).cloned().collect();
        for operation in meant {
            operation.cancel(why);
        }
    }
}

impl Hub {
    fn running(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, event: Event) {
        // An error means that the daemon is ending.
        let _ = self.events.send(event);
    }

    /// Computes what persons have to do, and publishes it, under the one lock of `waits`: of two threads that do so, the
    /// later one sees all that the earlier one saw, so nothing newer is ever replaced by something older.
    ///
    /// That lock is taken before those of `running` and of an operation, and never while one of these is held.
    fn update_waits(&self) {
        self.waits.send_if_modified(|shown| {
            let operations: Vec<_> = self.running().operations.values().cloned().collect();
            let mut waits: Vec<_> = operations.iter().filter_map(Wait::of).collect();
            waits.sort_by_key(|wait| (wait.since, wait.operation.number()));
            let differs = **shown != waits;
            if differs {
                *shown = Arc::new(waits);
            }
            differs
        });
    }

    fn ended(&self, number: u64) {
        self.running().operations.remove(&number);
    }

    fn forget_handle(&self, request: &Request) {
        if let Some(handle) = &request.handle {
            self.running().handles.remove(&(request.caller.clone(), handle.clone()));
        }
    }
}
