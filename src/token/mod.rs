//! An attached token: a worker thread that owns the device, and a handle for async code.
//!
//! The worker makes all blocking calls to the device, one at a time. A call that never returns blocks only this thread. A
//! request is a closure that runs on the worker. A request whose caller has cancelled it is dropped without being run.

mod abilities;
mod activity;
mod calculated;
mod caller;
mod change;
mod detect_model;
mod device_id;
mod error;
mod event;
mod families;
mod hidden_touch;
mod identity;
mod keys;
mod known;
mod link;
mod locking;
mod nitrokey_pro;
mod notices;
mod observed;
mod otp_key;
mod otp_slots;
mod pin;
mod queue;
mod queued;
mod reports;
mod set_password;
mod target;
#[cfg(test)]
mod tests;
mod token2;
mod trussed;
mod unlocking;
mod without_oath;
mod worker;

use std::fmt;
use std::io;
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

use tokio::sync::watch;

use crate::clock::Clock;
use crate::device::{Attachment, Progress, Transport};
use crate::oath::{CodeRequest, CodeResult};
use crate::secret::SecretBytes;

pub use abilities::Abilities;
use activity::Activity;
use caller::Caller;
pub use change::{Change, Naming};
pub use error::Error;
pub use event::{Event, Info};
pub use identity::{Fingerprint, Identities};
use keys::Keys;
pub use keys::WipeCounts;
use link::Repeat;
use locking::Locking;
pub use otp_slots::OtpSlots;
pub use pin::Listed;
use queue::{Refused, Sender};
use queued::Queued;
pub use set_password::SetPassword;
use target::Target;
pub use unlocking::{Secret, Unlock};
pub use without_oath::YUBICO;
use worker::{Job, Worker};

/// Receives the events of a worker. It must not block.
pub type EventSink = Arc<dyn Fn(Event) + Send + Sync>;

/// The maximum number of requests in the queue of one token. The limits for each caller are enforced in [`crate::access`].
const MAX_REQUESTS: usize = 64;

/// The maximum time of a token for one answer without a touch; it hangs if it takes longer. The same limit is for the time
/// until its transaction begins.
const TRANSACTION_LIMIT: Duration = Duration::from_secs(8);

/// The maximum time of a token for one answer if it may wait for a touch. Tokens wait 15 to 30 s for a touch.
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
    jobs: Arc<Sender<Job>>,
    activity: Arc<Activity>,
    keys: Keys,
    locking: Locking,
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
        otp_slots: OtpSlots,
        events: EventSink,
    ) -> io::Result<Self> {
        let (jobs, inbox) = queue::queue(MAX_REQUESTS);
        let activity = Arc::new(Activity::new(Arc::clone(&clock), Arc::clone(&events)));
        let target = Target::new(attachment, clock, otp_slots);
        let worker = Worker::new(transport, target, identities, events, Arc::clone(&activity));
        let keys = worker.keys();
        thread::Builder::new().name("token".to_owned()).spawn(move || worker.run(&inbox))?;
        tokio::spawn(Arc::clone(&activity).supervise());
        Ok(Self { jobs: Arc::new(jobs), activity, keys, locking: Locking::default() })
    }

    /// Selects the application and lists the credentials. The results are sent as events.
    ///
    /// # Errors
    ///
    /// Any [`Error`]. It is sent as an event as well.
    pub async fn read(&self) -> Result<(), Error> {
        self.read_with(Repeat::Always).await
    }

    /// As [`Token::read`], but fails at once with [`Error::Busy`] while another program holds the device exclusively.
    ///
    /// # Errors
    ///
    /// Those of [`Token::read`].
    pub async fn read_if_free(&self) -> Result<(), Error> {
        self.read_with(Repeat::IfFree).await
    }

    async fn read_with(&self, repeat: Repeat) -> Result<(), Error> {
        self.ask(TRANSACTION_LIMIT, watch::Sender::default(), move |worker, caller| {
            caller.answer(worker.read(repeat, caller));
        })
        .await
    }

    /// Finds out whether the system still lets this user open a device in a smart card reader; if not, an event says
    /// so. Sends no command.
    pub async fn check_access(&self) {
        let check = |worker: &mut Worker, caller: &Caller<()>| caller.answer(worker.check_access(caller));
        // The error is in the event, or the token hangs or was removed.
        let _ = self.ask(TRANSACTION_LIMIT, watch::Sender::default(), check).await;
    }

    /// Calculates a code. The time step is read from the clock when the command is sent. `stage` receives the progress.
    ///
    /// Dropping the future cancels the request: it is not run if it is still in the queue. A smart card that already waits for
    /// a touch continues to wait; a key that is used over HID stops.
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
        self.ask(limit, stage, move |worker, caller| worker.calculate(&request, caller)).await
    }

    /// The wipe counts at this moment, for [`Token::unlock`].
    pub fn wipe_counts(&self) -> WipeCounts {
        self.keys.wipe_counts()
    }

    /// Unlocks the token with a password or a PIN, and keeps the derived key or the PIN while the token is attached. `stage`
    /// receives the progress: a PIN requires a touch.
    ///
    /// # Errors
    ///
    /// [`Error::WrongPassword`] or [`Error::WrongPin`] if the token refuses the secret, after one attempt;
    /// [`Error::AttemptsLow`] or [`Error::PinBlocked`] if it is not tried. [`Error::Locked`] if keys were wiped after
    /// [`Unlock::since`].
    pub async fn unlock(&self, unlock: Unlock, stage: watch::Sender<Stage>) -> Result<(), Error> {
        let limit = if unlock.may_require_touch { TOUCH_TRANSACTION_LIMIT } else { TRANSACTION_LIMIT };
        self.ask(limit, stage, move |worker, caller| caller.answer(worker.unlock(&unlock, caller))).await
    }

    /// Locks the token: wipes its key, and reads the token again. Locks that wait for the token share one reading.
    ///
    /// # Errors
    ///
    /// Any [`Error`] of the reading, except [`Error::Locked`].
    pub async fn lock(&self) -> Result<(), Error> {
        self.wipe();
        let token = self.clone();
        let lock = |worker: &mut Worker, caller: &Caller<()>| caller.answer(worker.lock(caller));
        let begin = |stage| async move { token.ask(TRANSACTION_LIMIT, stage, lock).await };
        self.locking.join(begin).await
    }

    /// A copy of the kept key, or of the kept PIN.
    pub fn kept_key(&self) -> Option<SecretBytes> {
        self.keys.known.lend(|key| SecretBytes::new(key.expose().to_vec()))
    }

    /// Wipes the key at once, even while the worker waits for the token. Sends no command.
    pub fn wipe(&self) {
        self.keys.wipe();
    }

    /// A handle that does not keep the worker alive.
    pub fn downgrade(&self) -> WeakToken {
        let (activity, keys, locking) = (Arc::clone(&self.activity), self.keys.clone(), self.locking.clone());
        WeakToken { jobs: Arc::downgrade(&self.jobs), activity, keys, locking }
    }

    /// Queues a request, and waits for its answer. `work` runs on the worker and answers the caller.
    async fn ask<T, W>(&self, limit: Duration, stage: watch::Sender<Stage>, work: W) -> Result<T, Error>
    where
        T: Send + 'static,
        W: FnOnce(&mut Worker, &Caller<T>) + Send + 'static,
    {
        let mut stuck = self.activity.stuck();
        if *stuck.borrow() {
            return Err(Error::Stuck);
        }
        let (caller, answer) = Caller::new(stage, Arc::clone(&self.activity));
        if self.activity.job_queued(limit) {
            caller.enter(Stage::Working);
        }
        let notice = caller.notice();
        let job = Job::new(limit, move |worker| {
            if !caller.is_cancelled() {
                caller.enter(Stage::Working);
                work(worker, &caller);
            }
        });
        let _queued = self.queue(job)?;
        tokio::select! {
            biased;
            answer = answer => answer.unwrap_or(Err(Error::Removed)),
            never = notice.watch() => match never {},
            // This job hangs, or the one before it in the queue.
            Ok(_) = stuck.wait_for(|stuck| *stuck) => Err(Error::Stuck),
        }
    }

    /// Queues a job that [`Activity::job_queued`] has counted.
    fn queue(&self, job: Job) -> Result<Queued<'_>, Error> {
        let place = self.jobs.send(job).map_err(|refused| {
            self.activity.job_dropped();
            match refused {
                Refused::Full => Error::Busy,
                Refused::Closed => Error::Removed,
            }
        })?;
        Ok(Queued { place, activity: &self.activity })
    }
}

/// A handle that does not keep the worker alive; see [`Token::downgrade`].
#[derive(Clone)]
pub struct WeakToken {
    jobs: Weak<Sender<Job>>,
    activity: Arc<Activity>,
    keys: Keys,
    locking: Locking,
}

impl WeakToken {
    /// A full handle; `None` if the worker has ended.
    pub fn upgrade(&self) -> Option<Token> {
        let (activity, keys, locking) = (Arc::clone(&self.activity), self.keys.clone(), self.locking.clone());
        Some(Token { jobs: self.jobs.upgrade()?, activity, keys, locking })
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}
