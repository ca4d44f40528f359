//! One client connection, and everything that belongs to it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::{Semaphore, oneshot};
use tokio_util::sync::CancellationToken;
use zbus::message::{Flags, Header, Message};

use super::args::{DESCRIPTORS_PER_CALLER, Map};
use super::census::{Census, Counted, Item};
use super::descriptors::Held;
use super::error::Error;
use super::records::{Deposits, OwnOperations, Queries};
use crate::access::{ConnectionCounts, KnownCaller, Permit, Refusal};
use crate::flows::Calculations;
use crate::operations::{Cancellation, Operation, Operations, Request};
use crate::sync::IgnorePoison;

/// One connection to the bus.
#[derive(Debug)]
pub(super) struct Client {
    name: String,
    /// Whether its identification has begun.
    is_noticed: AtomicBool,
    /// Cancelled when the client leaves the bus.
    left: CancellationToken,
    /// Its running calls and its rates.
    counts: Arc<ConnectionCounts>,
    identity: KnownCaller,
    /// Its descriptors that are being read.
    descriptors: Arc<Semaphore>,
    /// Its calculations that need a touch.
    calculations: Arc<Calculations>,
    operations: Mutex<OwnOperations>,
    queries: Mutex<Queries>,
    unanswered: Mutex<Unanswered>,
    census: Census,
    _counted: Counted,
}

/// The calls that are not answered yet.
#[derive(Debug, Default)]
struct Unanswered {
    /// The replies that a task waits for, by the serial numbers of the calls.
    replies: HashMap<u32, (oneshot::Sender<()>, Counted)>,
    deposits: Deposits,
}

impl Client {
    pub(super) fn new(name: &str, census: &Census) -> Self {
        Self {
            name: name.to_owned(),
            is_noticed: AtomicBool::new(false),
            left: CancellationToken::new(),
            counts: Arc::default(),
            identity: KnownCaller::default(),
            descriptors: Arc::new(Semaphore::new(DESCRIPTORS_PER_CALLER)),
            calculations: Arc::default(),
            operations: Mutex::default(),
            queries: Mutex::default(),
            unanswered: Mutex::default(),
            census: census.clone(),
            _counted: census.count(Item::Client),
        }
    }

    /// The unique name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Whether this is its first message.
    pub(super) fn is_new(&self) -> bool {
        !self.is_noticed.swap(true, Ordering::Relaxed)
    }

    /// Cancelled when the client leaves the bus.
    pub(super) fn left(&self) -> &CancellationToken {
        &self.left
    }

    /// Its running calls and its rates.
    pub(super) fn counts(&self) -> &Arc<ConnectionCounts> {
        &self.counts
    }

    /// Its calculations that need a touch.
    pub(super) fn calculations(&self) -> &Arc<Calculations> {
        &self.calculations
    }

    /// The identity of its program.
    pub(super) fn identity(&self) -> &KnownCaller {
        &self.identity
    }

    /// The permits to read its descriptors.
    pub(super) fn descriptors(&self) -> &Arc<Semaphore> {
        &self.descriptors
    }

    /// Counts one more running call, until this is dropped.
    pub(super) fn count_call(&self) -> Counted {
        self.census.count(Item::Call)
    }

    /// Whether a query may be answered now; otherwise it waits.
    ///
    /// # Errors
    ///
    /// [`Refusal::Busy`] for a serial number that waits for its reply.
    pub(super) fn admit_query(&self, query: &Message, permit: Permit) -> Result<bool, Refusal> {
        lock(&self.queries).admit(query, (permit, self.census.count(Item::Query)))
    }

    /// Keeps the descriptors of a call until it reads them or is answered.
    ///
    /// # Errors
    ///
    /// [`Refusal::Busy`] if those of too many calls are kept.
    pub(super) fn deposit(&self, serial: u32, descriptors: Vec<Held>) -> Result<(), Refusal> {
        let counted = descriptors.into_iter().map(|held| (held, self.census.count(Item::Descriptor)));
        lock(&self.unanswered).deposits.put(serial, counted.collect())
    }

    /// The descriptor at this place in the message of a call; `None` if it was taken before.
    pub(super) fn withdraw(&self, serial: u32, place: usize) -> Option<(Held, Counted)> {
        lock(&self.unanswered).deposits.take(serial, place)
    }

    /// Records that the reply to this call was sent. Returns the next query.
    pub(super) fn replied(&self, serial: u32) -> Option<Message> {
        let mut unanswered = lock(&self.unanswered);
        unanswered.deposits.answered(serial);
        if let Some((sent, _)) = unanswered.replies.remove(&serial) {
            // An error means that the receiver was dropped.
            let _ = sent.send(());
        }
        drop(unanswered);
        lock(&self.queries).answered(serial)
    }

    /// Starts an operation, which is cancelled if the client has left.
    ///
    /// # Errors
    ///
    /// `AlreadyExists` while an operation with the same handle runs or is kept.
    pub(super) fn begin(&self, operations: &Operations, request: Request) -> Result<Operation, Error> {
        let mut own = lock(&self.operations);
        if request.handle.as_ref().is_some_and(|handle| own.has(handle)) {
            return Err(Error::handle_in_use());
        }
        let operation = operations.begin(request);
        own.add(operation.clone(), self.census.count(Item::Operation));
        drop(own);
        // The client left before this operation was registered.
        if self.left.is_cancelled() {
            operation.cancel(Cancellation::CallerGone);
        }
        Ok(operation)
    }

    /// Keeps the result of an operation.
    pub(super) fn keep(&self, operation: &Operation, result: Map) {
        lock(&self.operations).keep(operation, result);
    }

    /// The result of an operation; `None` if it has not ended.
    pub(super) fn result(&self, operation: &Operation) -> Option<Map> {
        lock(&self.operations).result(operation)
    }

    /// Removes the operation and frees its handle.
    pub(super) fn forget(&self, operation: &Operation) {
        lock(&self.operations).forget(operation);
    }

    /// Drops the oldest ended operations until at most `most` are left.
    pub(super) fn limit_results(&self, most: usize) {
        lock(&self.operations).limit(most);
    }

    /// Completes when the reply to this call was sent; at once if there is no reply, and when the client leaves.
    pub(super) fn reply_sent(&self, call: &Header<'_>) -> oneshot::Receiver<()> {
        let (sent, receiver) = oneshot::channel();
        if !call.primary().flags().contains(Flags::NO_REPLY_EXPECTED) && !self.left.is_cancelled() {
            let serial = call.primary().serial_num().get();
            lock(&self.unanswered).replies.insert(serial, (sent, self.census.count(Item::Reply)));
        }
        receiver
    }

    /// Cancels and removes everything of the client.
    pub(super) fn leave(&self) {
        // Cancelled before the running operations: an operation that starts meanwhile checks this token.
        self.left.cancel();
        lock(&self.queries).clear();
        {
            let mut unanswered = lock(&self.unanswered);
            unanswered.replies.clear();
            unanswered.deposits.clear();
        }
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
    mutex.lock().ignore_poison()
}
