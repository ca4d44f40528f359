//! One connection that calls, and everything that belongs to it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Semaphore, oneshot};
use tokio_util::sync::CancellationToken;
use zbus::message::{Flags, Header, Message};

use super::args::{DESCRIPTORS_PER_CALLER, Map};
use super::census::{Census, Counted, Item};
use super::error::Error;
use super::records::{OwnOperations, Queries};
use crate::access::{ConnectionCounts, KnownCaller, Permit, Refusal};
use crate::flows::Calculations;
use crate::operations::{Cancellation, Operation, Operations, Request};

/// One connection to the bus, for as long as it is there.
#[derive(Debug)]
pub(super) struct Client {
    name: String,
    /// Cancelled when it leaves the bus.
    left: CancellationToken,
    /// Its calls that run, and its rates.
    counts: Arc<ConnectionCounts>,
    identity: KnownCaller,
    /// Its descriptors that are read.
    descriptors: Arc<Semaphore>,
    /// Its calculations that need a touch.
    calculations: Arc<Calculations>,
    operations: Mutex<OwnOperations>,
    queries: Mutex<Queries>,
    /// The replies that a task waits for, by the serial numbers of the calls.
    replies: Mutex<HashMap<u32, (oneshot::Sender<()>, Counted)>>,
    census: Census,
    _counted: Counted,
}

impl Client {
    pub(super) fn new(name: &str, census: &Census) -> Self {
        Self {
            name: name.to_owned(),
            left: CancellationToken::new(),
            counts: Arc::default(),
            identity: KnownCaller::default(),
            descriptors: Arc::new(Semaphore::new(DESCRIPTORS_PER_CALLER)),
            calculations: Arc::default(),
            operations: Mutex::default(),
            queries: Mutex::default(),
            replies: Mutex::default(),
            census: census.clone(),
            _counted: census.count(Item::Client),
        }
    }

    /// The unique name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Cancelled when the client leaves the bus.
    pub(super) fn left(&self) -> &CancellationToken {
        &self.left
    }

    /// Its calls that run, and its rates.
    pub(super) fn counts(&self) -> &Arc<ConnectionCounts> {
        &self.counts
    }

    /// Its calculations that need a touch.
    pub(super) fn calculations(&self) -> &Arc<Calculations> {
        &self.calculations
    }

    /// What was found out about its program.
    pub(super) fn identity(&self) -> &KnownCaller {
        &self.identity
    }

    /// How many of its descriptors may still be read at once.
    pub(super) fn descriptors(&self) -> &Arc<Semaphore> {
        &self.descriptors
    }

    /// One more call of it runs, until this is dropped.
    pub(super) fn count_call(&self) -> Counted {
        self.census.count(Item::Call)
    }

    /// Whether a query may be answered now; if not, it waits for its turn.
    ///
    /// # Errors
    ///
    /// [`Refusal::Busy`] for a serial number that waits for its reply.
    pub(super) fn admit_query(&self, query: &Message, permit: Permit) -> Result<bool, Refusal> {
        lock(&self.queries).admit(query, (permit, self.census.count(Item::Query)))
    }

    /// The reply to this call has left. Returns the query whose turn it is now.
    pub(super) fn replied(&self, serial: u32) -> Option<Message> {
        if let Some((sent, _)) = lock(&self.replies).remove(&serial) {
            // An error means that nobody waits any more.
            let _ = sent.send(());
        }
        lock(&self.queries).answered(serial)
    }

    /// Begins an operation, which is cancelled if the client has left.
    ///
    /// # Errors
    ///
    /// `AlreadyExists` while an operation of the same handle runs or is kept.
    pub(super) fn begin(&self, operations: &Operations, request: Request) -> Result<Operation, Error> {
        let mut own = lock(&self.operations);
        if request.handle.as_ref().is_some_and(|handle| own.has(handle)) {
            return Err(Error::handle_in_use());
        }
        let operation = operations.begin(request);
        own.add(operation.clone(), self.census.count(Item::Operation));
        drop(own);
        // It has left before it could find this operation.
        if self.left.is_cancelled() {
            operation.cancel(Cancellation::CallerGone);
        }
        Ok(operation)
    }

    /// Keeps how an operation ended.
    pub(super) fn keep(&self, operation: &Operation, result: Map) {
        lock(&self.operations).keep(operation, result);
    }

    /// How an operation ended; nothing if it hasn't.
    pub(super) fn result(&self, operation: &Operation) -> Option<Map> {
        lock(&self.operations).result(operation)
    }

    /// Nobody can ask for this operation any more, and its handle is free.
    pub(super) fn forget(&self, operation: &Operation) {
        lock(&self.operations).forget(operation);
    }

    /// Forgets the oldest operations that have ended, until no more than `most` of these are left.
    pub(super) fn limit_results(&self, most: usize) {
        lock(&self.operations).limit(most);
    }

    /// Ends when the reply to this call has left; at once if none is wanted, and when the client leaves.
    pub(super) fn reply_sent(&self, call: &Header<'_>) -> oneshot::Receiver<()> {
        let (sent, receiver) = oneshot::channel();
        if !call.primary().flags().contains(Flags::NO_REPLY_EXPECTED) && !self.left.is_cancelled() {
            let serial = call.primary().serial_num().get();
            lock(&self.replies).insert(serial, (sent, self.census.count(Item::Reply)));
        }
        receiver
    }

    /// Cancels and forgets everything of it.
    pub(super) fn leave(&self) {
        // Before the operations that run are cancelled: one that begins meanwhile looks here.
        self.left.cancel();
        lock(&self.queries).clear();
        lock(&self.replies).clear();
        let (running, ended) = {
            let own = lock(&self.operations);
            (own.running(), own.ended())
        };
        for operation in running {
            operation.cancel(Cancellation::CallerGone);
        }
        for operation in ended {
            self.forget(&operation);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
