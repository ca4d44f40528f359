//! A running request: its state, deadline, requester, cancellation, and the action that a person must take for it.
//!
//! A request can be cancelled until its code is sent; a code that was sent cannot be taken back. So a flow marks the start
//! of a submission ([`Operation::begin_submission`]) and its end, when the outcome is recorded
//! ([`Operation::end_submission`]). In between nothing interrupts it.

mod deadline;
mod operation;
mod request;
mod state;
mod submission_details;
#[cfg(test)]
mod tests;
mod user_action;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::{mpsc, oneshot, watch};

use crate::clock::Clock;
use crate::sync::IgnorePoison;

pub use deadline::Deadline;
pub use operation::Operation;
pub use request::{Cancellation, Request, Requester};
pub use state::{ActionKind, Kind, Sending, State};
pub use submission_details::{Challenge, SubmissionDetails};
pub use user_action::UserAction;

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
    shared: Arc<Shared>,
}

/// The data that the operations share.
#[derive(Debug)]
struct Shared {
    clock: Arc<dyn Clock>,
    events: mpsc::UnboundedSender<Event>,
    actions: watch::Sender<Arc<Vec<UserAction>>>,
    running: Mutex<Running>,
}

#[derive(Debug, Default)]
struct Running {
    next: u64,
    operations: BTreeMap<u64, Operation>,
}

impl Operations {
    /// An empty set, and the receiver of its events.
    pub fn new(clock: Arc<dyn Clock>) -> (Self, mpsc::UnboundedReceiver<Event>) {
        let (events, news) = mpsc::unbounded_channel();
        let shared = Shared { clock, events, actions: watch::Sender::default(), running: Mutex::default() };
        (Self { shared: Arc::new(shared) }, news)
    }

    /// Starts an operation. An operation with a handle is published at once; its caller gives each handle to one
    /// operation at a time.
    pub fn begin(&self, request: Request) -> Operation {
        let operation = {
            let mut running = self.shared.running();
            let number = running.next;
            running.next += 1;
            let operation = Operation::new(number, request, Arc::clone(&self.shared));
            running.operations.insert(number, operation.clone());
            operation
        };
        if operation.request().handle.is_some() {
            operation.publish();
        }
        operation
    }

    /// Cancels all operations whose code is not sent yet.
    pub fn cancel_all(&self, why: Cancellation) {
        let running: Vec<_> = self.shared.running().operations.values().cloned().collect();
        for operation in running {
            operation.cancel(why);
        }
    }

    /// The actions that a person must take now, the oldest first.
    pub fn user_actions(&self) -> watch::Receiver<Arc<Vec<UserAction>>> {
        self.shared.actions.subscribe()
    }

    /// Waits until all events until now are handled.
    pub async fn caught_up(&self) {
        let (done, shown) = oneshot::channel();
        self.shared.tell(Event::Barrier(done));
        // An error means that the daemon is ending.
        let _ = shown.await;
    }

    /// The number of running operations.
    pub fn count(&self) -> usize {
        self.shared.running().operations.len()
    }
}

impl Shared {
    fn running(&self) -> MutexGuard<'_, Running> {
        self.running.lock().ignore_poison()
    }

    fn tell(&self, event: Event) {
        // An error means that the daemon is ending.
        let _ = self.events.send(event);
    }

    /// Computes the actions that a person must take and publishes them, both under the lock of `actions`. Of two
    /// threads the later one sees everything that the earlier one saw, so a newer list is never replaced by an older one.
    ///
    /// This lock is taken before those of `running` and of an operation, and never while one of these is held.
    fn update_user_actions(&self) {
        self.actions.send_if_modified(|shown| {
            let operations: Vec<_> = self.running().operations.values().cloned().collect();
            let mut actions: Vec<_> = operations.iter().filter_map(UserAction::of).collect();
            actions.sort_by_key(|action| (action.since, action.operation.number()));
            let differs = **shown != actions;
            if differs {
                *shown = Arc::new(actions);
            }
            differs
        });
    }

    fn ended(&self, number: u64) {
        self.running().operations.remove(&number);
    }
}
