//! A running request: its state, deadline, requester, cancellation, and the action that a person must take for it.
//!
//! A request can be cancelled until its code is sent; a code that was sent cannot be taken back. So a flow marks the start
//! of a submission ([`Operation::begin_submission`]) and its end, when the outcome is recorded
//! ([`Operation::end_submission`]). In between nothing interrupts it.

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

/// Events of published operations, in order.
#[derive(Debug)]
pub enum Event {
    /// The operation is published, with this state.
    Published(Operation, State),
    /// The state of the operation changed.
    Changed(Operation, State),
    /// The credential of the operation is known now.
    Found(Operation),
    /// The operation is not published any more.
    Forgotten(Operation),
    /// A caller waits until all earlier events are handled.
    Barrier(oneshot::Sender<()>),
}

/// The running operations. Clones share them.
#[derive(Clone, Debug)]
pub struct Operations {
    hub: Arc<Hub>,
}

/// The data that the operations share.
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
    /// Caller and handle of the operations with a handle, while they run or are kept.
    handles: BTreeSet<(String, String)>,
}

/// The caller already has an operation with this handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the handle is in use")]
pub struct HandleInUse;

impl Operations {
    /// An empty set, and the receiver of its events.
    pub fn new(clock: Arc<dyn Clock>) -> (Self, mpsc::UnboundedReceiver<Event>) {
        let (events, news) = mpsc::unbounded_channel();
        let hub = Hub { clock, events, waits: watch::Sender::default(), running: Mutex::default() };
        (Self { hub: Arc::new(hub) }, news)
    }

    /// Starts an operation. An operation with a handle is published at once.
    ///
    /// # Errors
    ///
    /// [`HandleInUse`] while the caller's last operation with this handle runs or is kept.
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

    /// Cancels the operations of this caller whose code is not sent yet.
    pub fn cancel_of(&self, caller: &str, why: Cancellation) {
        self.cancel_if(why, |operation| operation.request().caller == caller);
    }

    /// Cancels all operations whose code is not sent yet.
    pub fn cancel_all(&self, why: Cancellation) {
        self.cancel_if(why, |_| true);
    }

    /// The actions that a person must take now, the oldest first.
    pub fn waits(&self) -> watch::Receiver<Arc<Vec<Wait>>> {
        self.hub.waits.subscribe()
    }

    /// Waits until all events until now are handled.
    pub async fn caught_up(&self) {
        let (done, shown) = oneshot::channel();
        self.hub.tell(Event::Barrier(done));
        // An error means that the daemon is ending.
        let _ = shown.await;
    }

    /// The number of running operations.
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

    /// Computes the actions that a person must take and publishes them, both under the lock of `waits`. Of two threads the
    /// later one sees everything that the earlier one saw, so a newer list is never replaced by an older one.
    ///
    /// This lock is taken before those of `running` and of an operation, and never while one of these is held.
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
