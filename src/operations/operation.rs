//! One operation, shared by the flow that runs it and by all observers.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::{Cancellation, Deadline, Event, Request, Sending, Shared, State, SubmissionDetails};
use crate::oath::{ObjectId, TokenId};

/// A running request. Clones refer to the same request.
#[derive(Clone, Debug)]
pub struct Operation {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    number: u64,
    request: Request,
    /// The deadline in Unix time, by the clock at the start of the operation.
    ends: Duration,
    shared: Arc<Shared>,
    mutable: watch::Sender<Mutable>,
}

/// The mutable part of an operation.
#[derive(Debug)]
struct Mutable {
    state: State,
    /// The start of this state, in Unix time.
    since: Duration,
    /// The monotonic time since which it waits for nothing but the token.
    waits_since: Duration,
    credential: Option<ObjectId>,
    token: Option<TokenId>,
    is_published: bool,
    /// The submission in progress, until its outcome is recorded.
    submitting: Option<Sending>,
    cancelled: Option<Cancellation>,
    is_orphan: bool,
    is_forgotten: bool,
    is_tried: bool,
    details: SubmissionDetails,
}

impl Operation {
    pub(super) fn new(number: u64, request: Request, shared: Arc<Shared>) -> Self {
        let now = shared.clock.unix_time();
        let mutable = Mutable {
            state: State::Queued,
            since: now,
            waits_since: shared.clock.monotonic(),
            credential: request.credential.clone(),
            token: request.token.clone(),
            is_published: false,
            submitting: None,
            cancelled: None,
            is_orphan: false,
            is_forgotten: false,
            is_tried: false,
            details: SubmissionDetails::default(),
        };
        let ends = now.saturating_add(request.deadline.left(&*shared.clock));
        Self {
            inner: Arc::new(Inner { number, request, ends, shared, mutable: watch::Sender::new(mutable) }),
        }
    }

    /// A number that is unique in this process.
    pub fn number(&self) -> u64 {
        self.inner.number
    }

    /// The request.
    pub fn request(&self) -> &Request {
        &self.inner.request
    }

    /// The deadline of the reply.
    pub fn deadline(&self) -> Deadline {
        self.inner.request.deadline
    }

    /// The deadline in Unix time, by the clock at the start of the operation.
    pub fn ends(&self) -> Duration {
        self.inner.ends
    }

    /// The current state.
    pub fn state(&self) -> State {
        self.inner.mutable.borrow().state
    }

    /// The time for which it has waited for nothing but the token: since its start, or since the last wait for a person, a time
    /// step or Cognito has ended.
    pub fn waited_for_token(&self) -> Duration {
        self.inner.shared.clock.monotonic().saturating_sub(self.inner.mutable.borrow().waits_since)
    }

    /// The id of the credential, once it is known.
    pub fn credential(&self) -> Option<ObjectId> {
        self.inner.mutable.borrow().credential.clone()
    }

    /// The id of the token, once it is known; the token need not be attached.
    pub fn token(&self) -> Option<TokenId> {
        let of_credential = self.credential().map(|id| id.token().clone());
        of_credential.or_else(|| self.inner.mutable.borrow().token.clone())
    }

    /// Sets the token, while the credential is not known.
    pub fn set_token(&self, id: Option<&TokenId>) {
        let changed = self.inner.mutable.send_if_modified(|mutable| {
            let changed = mutable.token.as_ref() != id;
            mutable.token = id.cloned();
            changed
        });
        self.tell_waits(changed);
    }

    /// The collected details.
    pub fn details(&self) -> SubmissionDetails {
        self.inner.mutable.borrow().details.clone()
    }

    /// Adds to the details.
    pub fn note(&self, note: impl FnOnce(&mut SubmissionDetails)) {
        self.inner.mutable.send_modify(|mutable| note(&mut mutable.details));
    }

    /// Records that the token is asked for a code, or Cognito for anything.
    pub fn begin_trying(&self) {
        self.inner.mutable.send_modify(|mutable| mutable.is_tried = true);
    }

    /// Whether the token was asked for a code, or Cognito for anything. Otherwise the request was only checked.
    pub fn is_tried(&self) -> bool {
        self.inner.mutable.borrow().is_tried
    }

    /// Sets the state. If a person is needed, the operation is published as well.
    pub fn set_state(&self, state: State) {
        let shared = &self.inner.shared;
        let mut before = State::Queued;
        // Sent under the lock, so that the events have the order of the changes.
        let changed = self.inner.mutable.send_if_modified(|mutable| {
            before = mutable.state;
            let changed = before != state && !before.is_final();
            if changed {
                (mutable.state, mutable.since) = (state, shared.clock.unix_time());
                if !before.is_for_token() {
                    mutable.waits_since = shared.clock.monotonic();
                }
                self.tell_state(mutable);
            }
            changed
        });
        if changed && (before.user_action().is_some() || state.user_action().is_some()) {
            shared.update_user_actions();
        }
    }

    fn tell_state(&self, mutable: &mut Mutable) {
        if mutable.is_published {
            self.inner.shared.tell(Event::Changed(self.clone(), mutable.state));
        } else if mutable.state.user_action().is_some() {
            mutable.is_published = true;
            self.inner.shared.tell(Event::Published(self.clone(), mutable.state));
        }
    }

    /// Sets the credential.
    pub fn set_credential(&self, id: &ObjectId) {
        let changed = self.inner.mutable.send_if_modified(|mutable| {
            let changed = mutable.credential.as_ref() != Some(id);
            mutable.credential = Some(id.clone());
            if changed && mutable.is_published {
                self.inner.shared.tell(Event::Found(self.clone()));
            }
            changed
        });
        self.tell_waits(changed);
    }

    /// Updates the action that a person must take, if something changed.
    fn tell_waits(&self, changed: bool) {
        if changed && self.state().user_action().is_some() {
            self.inner.shared.update_user_actions();
        }
    }

    /// Publishes the operation, unless it has ended.
    pub fn publish(&self) {
        self.inner.mutable.send_if_modified(|mutable| {
            let is_new = !mutable.state.is_final() && !std::mem::replace(&mut mutable.is_published, true);
            if is_new {
                self.inner.shared.tell(Event::Published(self.clone(), mutable.state));
            }
            is_new
        });
    }

    /// Whether the operation is published.
    pub fn is_published(&self) -> bool {
        self.inner.mutable.borrow().is_published
    }

    /// Cancels what is not sent yet. False if a code was already sent, which cannot be taken back, but nothing more is
    /// sent. False also if the operation has ended.
    pub fn cancel(&self, why: Cancellation) -> bool {
        let mut nothing_sent = false;
        self.inner.mutable.send_if_modified(|mutable| {
            let code_sent = mutable.submitting == Some(Sending::Code) || mutable.details.submitted();
            nothing_sent = !code_sent && !mutable.state.is_final();
            let changed = mutable.cancelled.is_none() && !mutable.state.is_final();
            if changed {
                mutable.cancelled = Some(why);
            }
            // Also if the operation was already cancelled for another reason.
            mutable.is_orphan |= why == Cancellation::CallerGone;
            changed
        });
        nothing_sent
    }

    /// Whether the caller has left the bus, so that no result is needed.
    pub fn is_orphan(&self) -> bool {
        self.inner.mutable.borrow().is_orphan
    }

    /// Completes when the operation is cancelled, but not during a submission.
    pub async fn cancelled(&self) -> Cancellation {
        let mut mutable = self.inner.mutable.subscribe();
        let why = match mutable
            .wait_for(|mutable| mutable.cancelled.is_some() && mutable.submitting.is_none())
            .await
        {
            Ok(mutable) => mutable.cancelled,
            Err(_) => None,
        };
        match why {
            Some(why) => why,
            // The sender lives as long as this borrow, so this is unreachable.
            None => std::future::pending().await,
        }
    }

    /// Starts a submission. Until [`Operation::end_submission`] nothing can cancel it.
    ///
    /// # Errors
    ///
    /// [`Cancellation`] if the operation was cancelled before.
    pub fn begin_submission(&self, what: Sending) -> Result<(), Cancellation> {
        let mut cancelled = None;
        self.inner.mutable.send_if_modified(|mutable| {
            cancelled = mutable.cancelled;
            mutable.submitting = cancelled.is_none().then_some(what);
            false
        });
        cancelled.map_or(Ok(()), Err)
    }

    /// Ends a submission, after its outcome was recorded.
    pub fn end_submission(&self) {
        self.inner.mutable.send_modify(|mutable| mutable.submitting = None);
    }

    /// Ends the operation. It stays published until [`Operation::forget`].
    pub fn end(&self, state: State) {
        self.set_state(state);
        self.inner.shared.ended(self.inner.number);
    }

    /// Unpublishes the operation. After this its handle may be used again.
    pub fn forget(&self) {
        self.inner.mutable.send_if_modified(|mutable| {
            let is_new = !std::mem::replace(&mut mutable.is_forgotten, true);
            if is_new && mutable.is_published {
                self.inner.shared.tell(Event::Forgotten(self.clone()));
            }
            is_new
        });
    }

    /// The state and its start, in Unix time.
    pub(super) fn stands(&self) -> (State, Duration) {
        let mutable = self.inner.mutable.borrow();
        (mutable.state, mutable.since)
    }
}

impl PartialEq for Operation {
    fn eq(&self, other: &Self) -> bool {
        self.inner.number == other.inner.number
    }
}
