//! One attached token: a worker thread that owns the device, and the handle that the async side holds.
//!
//! Blocking calls and the token's serial nature stay on the thread; a call that never returns costs the thread,
//! not the daemon. A request is a closure that runs there, and one whose caller has left is dropped unrun.

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
pub use keys::Since;
use worker::{Job, Worker};

/// Receives the events of a worker. It must not block.
pub type EventSink = Arc<dyn Fn(Event) + Send + Sync>;

/// How many requests may wait for one token. Who may have how many of them is decided before they come here.
const QUEUE_LENGTH: usize = 64;

/// A transaction without touch that takes longer has met a hanging token; the worst honest case is a dozen slow
/// commands. Waiting for the transaction to begin, while another program has one, doesn't count.
const TRANSACTION_LIMIT: Duration = Duration::from_secs(8);

/// Tokens wait 15 to 30 seconds for a touch.
const TOUCH_TRANSACTION_LIMIT: Duration = Duration::from_secs(40);

/// How far a calculation is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stage {
    /// Other requests are served first.
    #[default]
    Queued,
    /// The token calculates.
    Working,
    /// The token waits for a touch.
    TouchNeeded,
}

/// A handle to one attached token; clones are the same token. The worker ends when the last one is gone.
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
    /// Starts the worker of a device that was just attached. Nothing is sent to it yet.
    ///
    /// What the worker learns about the token goes to `events`, and is there before the reply that it explains.
    ///
    /// # Errors
    ///
    /// When the system has no thread left.
    pub fn attach(
        transport: Arc<dyn Transport>,
        attachment: Attachment,
        clock: Arc<dyn Clock>,
        identities: Identities,
        events: EventSink,
    ) -> io::Result<Self> {
        let (jobs, inbox) = mpsc::channel(QUEUE_LENGTH);
        let (stage, in_transaction) = watch::channel(false);
        let worker =
            Worker::new(transport, attachment, Arc::clone(&clock), identities, Arc::clone(&events), stage);
        let keys = worker.keys();
        thread::Builder::new().name("token".to_owned()).spawn(move || worker.run(inbox))?;
        Ok(Self { jobs, events, stuck: watch::Sender::new(false), in_transaction, keys, clock })
    }

    /// Selects the application and lists the credentials; the findings go out as events.
    ///
    /// # Errors
    ///
    /// Any [`Error`]; it is in the events too.
    pub async fn read(&self) -> Result<(), Error> {
        self.ask(TRANSACTION_LIMIT, watch::Sender::default(), |worker, progress| worker.read(progress)).await
    }

    /// Calculates a code. The time step is read from the clock when the command goes out.
    ///
    /// Dropping the future gives up: a request that waits in the queue is not run, a touch that the token
    /// already waits for can't be called off. `stage` tells how far it is.
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

    /// Now, counted in wipes; for [`Token::unlock`].
    pub fn since(&self) -> Since {
        self.keys.since()
    }

    /// Tries a password, and keeps the key that it gives for as long as the token is attached.
    ///
    /// # Errors
    ///
    /// [`Error::WrongPassword`] when the token refuses it; nothing is retried then. [`Error::Locked`] when keys were wiped
    /// after `since`.
    pub async fn unlock(&self, password: SecretText, since: Since) -> Result<(), Error> {
        self.ask(TRANSACTION_LIMIT, watch::Sender::default(), move |worker, progress| {
            worker.unlock(&password, since, progress)
        })
        .await
    }

    /// Forgets the key.
    ///
    /// # Errors
    ///
    /// [`Error::Busy`] when too many requests wait.
    pub async fn lock(&self) -> Result<(), Error> {
        self.wipe();
        self.ask(TRANSACTION_LIMIT, watch::Sender::default(), |worker, progress| worker.lock(progress)).await
    }

    /// Forgets the key at once, even while the worker waits for the token; the token is not asked for anything.
    pub fn wipe(&self) {
        self.keys.wipe();
    }

    /// A handle that doesn't keep the worker alive.
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
            // Before the reply: who has it may count on the job being over.
            let _ = done.send(());
            if let Some(result) = result {
                // An error means that the caller left while the token worked.
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
            // This job hangs, or the one that it waits for does.
            Ok(_) = stuck.wait_for(|stuck| *stuck) => Err(Error::Stuck),
        }
    }

    /// Notices when a job hangs, whether or not its caller still waits, and when it comes back after all.
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
        // The handle must not keep the worker of an unplugged token alive.
        drop(self);
        if done.await.is_ok() {
            stuck.send_replace(false);
            events(Event::Revived);
        }
    }

    /// Ends when one transaction has lasted for `limit`. Tells when it takes as long to begin one.
    async fn transaction_hangs(&self, limit: Duration) {
        let mut stage = self.in_transaction.clone();
        loop {
            let began_soon = tokio::select! {
                biased;
                begun = stage.wait_for(|in_transaction| *in_transaction) => begun.is_ok(),
                () = self.clock.sleep(limit) => false,
            };
            if !began_soon {
                (self.events)(Event::Held);
                // An error means that the worker has ended.
                if stage.wait_for(|in_transaction| *in_transaction).await.is_err() {
                    return std::future::pending().await;
                }
            }
            tokio::select! {
                biased;
                _ = stage.wait_for(|in_transaction| !*in_transaction) => {}
                () = self.clock.sleep(limit) => return,
            }
        }
    }
}

/// See [`Token::downgrade`].
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
    /// The handle, unless the token was unplugged.
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

/// The caller of a job, as far as a running exchange cares.
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
