//! One operation, shared by the flow that runs it and by all observers.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::{Cancellation, Deadline, Event, Facts, Hub, Request, Sending, State};
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
    hub: Arc<Hub>,
    life: watch::Sender<Life>,
}

/// The mutable part of an operation.
#[derive(Debug)]
struct Life {
    state: State,
    /// The start of this state, in Unix time.
    since: Duration,
    credential: Option<ObjectId>,
    token: Option<TokenId>,
    is_published: bool,
    /// The submission in progress, until its outcome is recorded.
    submitting: Option<Sending>,
    cancelled: Option<Cancellation>,
    is_orphan: bool,
    is_forgotten: bool,
    facts: Facts,
}

impl Operation {
    pub(super) fn new(number: u64, request: Request, hub: Arc<Hub>) -> Self {
        let now = hub.clock.unix_time();
        let life = Life {
            state: State::Queued,
            since: now,
            credential: request.credential.clone(),
            token: request.token.clone(),
            is_published: false,
            submitting: None,
            cancelled: None,
            is_orphan: false,
            is_forgotten: false,
            facts: Facts::default(),
        };
        let ends = now.saturating_add(request.deadline.left(&*hub.clock));
        Self { inner: Arc::new(Inner { number, request, ends, hub, life: watch::Sender::new(life) }) }
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
        self.inner.life.borrow().state
    }

    /// The id of the credential, once it is known.
    pub fn credential(&self) -> Option<ObjectId> {
        self.inner.life.borrow().credential.clone()
    }

    /// The id of the token, once it is known; the token need not be attached.
    pub fn token(&self) -> Option<TokenId> {
        let of_credential = self.credential().map(|id| id.token().clone());
        of_credential.or_else(|| self.inner.life.borrow().token.clone())
    }

    /// Sets the token, while the credential is not known.
    pub fn set_token(&self, id: Option<&TokenId>) {
        let changed = self.inner.life.send_if_modified(|life| {
            let changed = life.token.as_ref() != id;
            life.token = id.cloned();
            changed
        });
        self.tell_waits(changed);
    }

    /// The collected details.
    pub fn facts(&self) -> Facts {
        self.inner.life.borrow().facts.clone()
    }

    /// Adds to the details.
    pub fn note(&self, note: impl FnOnce(&mut Facts)) {
        self.inner.life.send_modify(|life| note(&mut life.facts));
    }

    /// Sets the state. If a person is needed, the operation is published as well.
    pub fn set_state(&self, state: State) {
        let hub = &self.inner.hub;
        let mut before = State::Queued;
        // Sent under the lock, so that the events have the order of the changes.
        let changed = self.inner.life.send_if_modified(|life| {
            before = life.state;
            let changed = before != state && !before.is_final();
            if changed {
                (life.state, life.since) = (state, hub.clock.unix_time());
                self.tell_state(life);
            }
            changed
        });
        if changed && (before.need().is_some() || state.need().is_some()) {
            hub.update_waits();
        }
    }

    fn tell_state(&self, life: &mut Life) {
        if life.is_published {
            self.inner.hub.tell(Event::Changed(self.clone(), life.state));
        } else if life.state.need().is_some() {
            life.is_published = true;
            self.inner.hub.tell(Event::Published(self.clone(), life.state));
        }
    }

    /// Sets the credential.
    pub fn set_credential(&self, id: &ObjectId) {
        let changed = self.inner.life.send_if_modified(|life| {
            let changed = life.credential.as_ref() != Some(id);
            life.credential = Some(id.clone());
            if changed && life.is_published {
                self.inner.hub.tell(Event::Found(self.clone()));
            }
            changed
        });
        self.tell_waits(changed);
    }

    /// Updates the action that a person must take, if something changed.
    fn tell_waits(&self, changed: bool) {
        if changed && self.state().need().is_some() {
            self.inner.hub.update_waits();
        }
    }

    /// Publishes the operation, unless it has ended.
    pub fn publish(&self) {
        self.inner.life.send_if_modified(|life| {
            let is_new = !life.state.is_final() && !std::mem::replace(&mut life.is_published, true);
            if is_new {
                self.inner.hub.tell(Event::Published(self.clone(), life.state));
            }
            is_new
        });
    }

    /// Whether the operation is published.
    pub fn is_published(&self) -> bool {
        self.inner.life.borrow().is_published
    }

    /// Cancels what is not sent yet. False if a code was already sent, which cannot be taken back, but nothing more is
    /// sent. False also if the operation has ended.
    pub fn cancel(&self, why: Cancellation) -> bool {
        let mut nothing_sent = false;
        self.inner.life.send_if_modified(|life| {
            let code_sent = life.submitting == Some(Sending::Code) || life.facts.submitted();
            nothing_sent = !code_sent && !life.state.is_final();
            let changed = life.cancelled.is_none() && !life.state.is_final();
            if changed {
                life.cancelled = Some(why);
            }
            // Also if the operation was already cancelled for another reason.
            life.is_orphan |= why == Cancellation::CallerGone;
            changed
        });
        nothing_sent
    }

    /// Whether the caller has left the bus, so that no result is needed.
    pub fn is_orphan(&self) -> bool {
        self.inner.life.borrow().is_orphan
    }

    /// Completes when the operation is cancelled, but not during a submission.
    pub async fn cancelled(&self) -> Cancellation {
        let mut life = self.inner.life.subscribe();
        let why = match life.wait_for(|life| life.cancelled.is_some() && life.submitting.is_none()).await {
            Ok(life) => life.cancelled,
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
        self.inner.life.send_if_modified(|life| {
            cancelled = life.cancelled;
            life.submitting = cancelled.is_none().then_some(what);
            false
        });
        cancelled.map_or(Ok(()), Err)
    }

    /// Ends a submission, after its outcome was recorded.
    pub fn end_submission(&self) {
        self.inner.life.send_modify(|life| life.submitting = None);
    }

    /// Ends the operation. It stays published until [`Operation::forget`].
    pub fn end(&self, state: State) {
        self.set_state(state);
        self.inner.hub.ended(self.inner.number);
    }

    /// Unpublishes the operation. After this its handle may be used again.
    pub fn forget(&self) {
        self.inner.life.send_if_modified(|life| {
            let is_new = !std::mem::replace(&mut life.is_forgotten, true);
            if is_new && life.is_published {
                self.inner.hub.tell(Event::Forgotten(self.clone()));
            }
            is_new
        });
    }

    /// The state and its start, in Unix time.
    pub(super) fn stands(&self) -> (State, Duration) {
        let life = self.inner.life.borrow();
        (life.state, life.since)
    }
}

impl PartialEq for Operation {
    fn eq(&self, other: &Self) -> bool {
        self.inner.number == other.inner.number
    }
}
