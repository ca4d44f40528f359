//! An attached token: a worker thread that owns the device, and a handle for async code.
//!
//! The worker makes all blocking calls to the device, one at a time. A call that never returns blocks only this thread. A
//! request is a closure that runs on the worker. A request whose caller has cancelled it is dropped without being run.

mod detect_model;
mod error;
mod event;
mod families;
mod identity;
mod keys;
mod known;
mod link;
mod worker;

use std::fmt;
use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};

use crate::clock::Clock;
use crate::device::{Attachment, Progress, Transport};
use crate::oath::{CodeRequest, CodeResult};
use crate::secret::SecretText;

pub use error::Error;
pub use event::{Event, Info};
pub use identity::{Fingerprint, Identities};
use keys::Keys;
pub use keys::WipeCounts;
use worker::{Job, Worker};

/// Receives the events of a worker. It must not block.
pub type EventSink = Arc<dyn Fn(Event) + Send + Sync>;

/// The maximum number of queued requests for one token. The limits for each caller are enforced in [`crate::access`].
const QUEUE_LENGTH: usize = 64;

/// The maximum duration of a transaction without a touch; the token hangs if it takes longer. The slowest regular transaction
/// has a dozen slow commands. The time until the transaction begins is not included.
const TRANSACTION_LIMIT: Duration = Duration::from_secs(8);

/// The maximum duration of a transaction with a touch. Tokens wait 15 to 30 s for a touch.
const TOUCH_TRANSACTION_LIMIT: Duration = Duration::from_secs(40);

/// The progress of a calculation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stage {
    /// The request is in the queue.
    #[default]
    Queued,
    /// The token calculates.
    Working,
    /// The token waits for a touch.
    TouchNeeded,
}

/// A handle to an attached token. Clones refer to the same token. The worker ends when the last clone is dropped.
#[derive(Clone)]
pub struct Token {
    jobs: mpsc::Sender<Job>,
    events: EventSink,
    stuck: watch::Sender<bool>,
    in_transaction: watch::Receiver<bool>,
    keys: Keys,
    clock: Arc<dyn Clock>,
}

impl Token {
    /// Starts the worker of a newly attached device. Sends no command.
    ///
    /// The worker passes its events to `events`. An event arrives before the reply to the request that caused it.
    ///
    /// # Errors
    ///
    /// If the system cannot start a thread.
    pub fn attach(
        transport: Arc<dyn Transport>,
        attachment: Attachment,
        clock: Arc<dyn Clock>,
        identities: Identities,
        events: EventSink,
    ) -> io::Result<Self> {
        let (jobs, inbox) = mpsc::channel(QUEUE_LENGTH);
        let (transaction_state, in_transaction) = watch::channel(false);
        let worker = Worker::new(
            transport,
            attachment,
            Arc::clone(&clock),
            identities,
            Arc::clone(&events),
            transaction_state,
        );
        let keys = worker.keys();
        thread::Builder::new().name("token".to_owned()).spawn(move || worker.run(inbox))?;
        Ok(Self { jobs, events, stuck: watch::Sender::new(false), in_transaction, keys, clock })
    }

    /// Selects the application and lists the credentials. The results are sent as events.
    ///
    /// # Errors
    ///
    /// Any [`Error`]. It is sent as an event as well.
    pub async fn read(&self) -> Result<(), Error> {
        self.ask(TRANSACTION_LIMIT, watch::Sender::default(), |worker, progress| worker.read(progress)).await
    }

    /// Calculates a code. The time step is read from the clock when the command is sent. `stage` receives the progress.
    ///
    /// Dropping the future cancels the request: it is not run if it is still in the queue. A token that already waits for a
    /// touch continues to wait.
    ///
    /// # Errors
    ///
    /// Any [`Error`].
    pub async fn calculate(
        &self,
        request: CodeRequest,
        stage: watch::Sender<Stage>,
    ) -> Result<CodeResult, Error> {
        let limit = if request.may_require_touch() { TOUCH_TRANSACTION_LIMIT } else { TRANSACTION_LIMIT };
        self.ask(limit, stage, move |worker, progress| worker.calculate(&request, progress)).await
    }

    /// The wipe counts at this moment, for [`Token::unlock`].
    pub fn wipe_counts(&self) -> WipeCounts {
        self.keys.wipe_counts()
    }

    /// Unlocks the token with a password, and keeps the derived key while the token is attached.
    ///
    /// # Errors
    ///
    /// [`Error::WrongPassword`] if the token refuses the password, after one attempt. [`Error::Locked`] if keys were wiped
    /// after `since`.
    pub async fn unlock(&self, password: SecretText, since: WipeCounts) -> Result<(), Error> {
        self.ask(TRANSACTION_LIMIT, watch::Sender::default(), move |worker, progress| {
            worker.unlock(&password, since, progress)
        })
        .await
    }

    /// Locks the token: wipes its key, and reads the token again.
    ///
    /// # Errors
    ///
    /// Any [`Error`] of the reading, except [`Error::Locked`].
    pub async fn lock(&self) -> Result<(), Error> {
        self.wipe();
        self.ask(TRANSACTION_LIMIT, watch::Sender::default(), |worker, progress| worker.lock(progress)).await
    }

    /// Wipes the key at once, even while the worker waits for the token. Sends no command.
    pub fn wipe(&self) {
        self.keys.wipe();
    }

    /// A handle that does not keep the worker alive.
    pub fn downgrade(&self) -> WeakToken {
        WeakToken {
            jobs: self.jobs.downgrade(),
            events: Arc::clone(&self.events),
            stuck: self.stuck.clone(),
            in_transaction: self.in_transaction.clone(),
            keys: self.keys.clone(),
            clock: Arc::clone(&self.clock),
        }
    }

    async fn ask<T, W>(&self, limit: Duration, stage: watch::Sender<Stage>, work: W) -> Result<T, Error>
    where
        T: Send + 'static,
        W: FnOnce(&mut Worker, &dyn Progress) -> Result<T, Error> + Send + 'static,
    {
        let mut stuck = self.stuck.subscribe();
        if *stuck.borrow() {
            return Err(Error::Stuck);
        }
        let (reply, answer) = oneshot::channel();
        let (started, has_started) = oneshot::channel();
        let (done, is_done) = oneshot::channel();
        let job = Job::new(started, move |worker| {
            let result = (!reply.is_closed()).then(|| {
                stage.send_replace(Stage::Working);
                work(worker, &Caller { reply: &reply, stage: &stage })
            });
            // Before the reply, so that the job has ended when its caller receives the reply.
            let _ = done.send(());
            if let Some(result) = result {
                // An error means that the caller has cancelled the request meanwhile.
                let _ = reply.send(result);
            }
        });
        self.jobs.try_send(job).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Error::Busy,
            mpsc::error::TrySendError::Closed(_) => Error::Removed,
        })?;
        tokio::spawn(self.clone().supervise(limit, has_started, is_done));
        tokio::select! {
            biased;
            answer = answer => answer.unwrap_or(Err(Error::Removed)),
            // This job hangs, or the one before it in the queue.
            Ok(_) = stuck.wait_for(|stuck| *stuck) => Err(Error::Stuck),
        }
    }

    /// Detects that a job hangs, even if its caller has cancelled it, and that a hanging job has ended.
    async fn supervise(self, limit: Duration, started: oneshot::Receiver<()>, done: oneshot::Receiver<()>) {
        let mut done = done;
        if started.await.is_err() {
            return;
        }
        tokio::select! {
            biased;
            _ = &mut done => return,
            () = self.transaction_hangs(limit) => {}
        }
        self.stuck.send_replace(true);
        (self.events)(Event::Stuck);
        let (events, stuck) = (Arc::clone(&self.events), self.stuck.clone());
        // This handle must not keep the worker of a removed token alive.
        drop(self);
        if done.await.is_ok() {
            stuck.send_replace(false);
            events(Event::Revived);
        }
    }

    /// Returns when a transaction has lasted for `limit`. Sends [`Event::Held`] if a transaction does not begin within `limit`.
    async fn transaction_hangs(&self, limit: Duration) {
        let mut state = self.in_transaction.clone();
        loop {
            let began_soon = tokio::select! {
                biased;
                begun = state.wait_for(|in_transaction| *in_transaction) => begun.is_ok(),
                () = self.clock.sleep(limit) => false,
            };
            if !began_soon {
                (self.events)(Event::Held);
                // An error means that the worker has ended.
                if state.wait_for(|in_transaction| *in_transaction).await.is_err() {
                    return std::future::pending().await;
                }
            }
            tokio::select! {
                biased;
                _ = state.wait_for(|in_transaction| !*in_transaction) => {}
                () = self.clock.sleep(limit) => return,
            }
        }
    }
}

/// A handle that does not keep the worker alive; see [`Token::downgrade`].
#[derive(Clone)]
pub struct WeakToken {
    jobs: mpsc::WeakSender<Job>,
    events: EventSink,
    stuck: watch::Sender<bool>,
    in_transaction: watch::Receiver<bool>,
    keys: Keys,
    clock: Arc<dyn Clock>,
}

impl WeakToken {
    /// A full handle; `None` if the worker has ended.
    pub fn upgrade(&self) -> Option<Token> {
        let jobs = self.jobs.upgrade()?;
        let (events, stuck) = (Arc::clone(&self.events), self.stuck.clone());
        let (in_transaction, keys) = (self.in_transaction.clone(), self.keys.clone());
        Some(Token { jobs, events, stuck, in_transaction, keys, clock: Arc::clone(&self.clock) })
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

/// The caller of a job, for the exchanges of the job.
struct Caller<'a, T> {
    reply: &'a oneshot::Sender<T>,
    stage: &'a watch::Sender<Stage>,
}

impl<T: Send> Progress for Caller<'_, T> {
    fn touch_needed(&self) {
        self.stage.send_replace(Stage::TouchNeeded);
    }

    fn is_cancelled(&self) -> bool {
        self.reply.is_closed()
    }
}
