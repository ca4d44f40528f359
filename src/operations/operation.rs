//! One operation, as the flow that does it and everybody who watches it share it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::{Cancellation, Deadline, Event, Facts, Hub, Request, Sending, State};
use crate::oath::{ObjectId, TokenId};

/// A running request; clones are the same one.
#[derive(Clone, Debug)]
pub struct Operation {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    number: u64,
    request: Request,
    /// The deadline in Unix time, as it was when the operation began.
    ends: Duration,
    hub: Arc<Hub>,
    life: watch::Sender<Life>,
}

/// What changes while it runs.
#[derive(Debug)]
struct Life {
    state: State,
    /// Since when it has been in this state, in Unix time.
    since: Duration,
    credential: Option<ObjectId>,
    token: Option<TokenId>,
    is_published: bool,
    /// What is on its way, or has an outcome that isn't recorded yet.
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

    /// A number that no other operation of this daemon has.
    pub fn number(&self) -> u64 {
        self.inner.number
    }

    /// What was asked for.
    pub fn request(&self) -> &Request {
        &self.inner.request
    }

    /// When the reply has to be there.
    pub fn deadline(&self) -> Deadline {
        self.inner.request.deadline
    }

    /// The same in Unix time, by the clock as it was when the operation began.
    pub fn ends(&self) -> Duration {
        self.inner.ends
    }

    /// Where it stands.
    pub fn state(&self) -> State {
        self.inner.life.borrow().state
    }

    /// The id of the credential, once it is known.
    pub fn credential(&self) -> Option<ObjectId> {
        self.inner.life.borrow().credential.clone()
    }

    /// The id of the token, as soon as it is known; the token needn't be attached.
    pub fn token(&self) -> Option<TokenId> {
        let of_credential = self.credential().map(|id| id.token().clone());
        of_credential.or_else(|| self.inner.life.borrow().token.clone())
    }

    /// Says which token it is about, while its credential is not known.
    pub fn set_token(&self, id: Option<&TokenId>) {
        let changed = self.inner.life.send_if_modified(|life| {
            let changed = life.token.as_ref() != id;
            life.token = id.cloned();
            changed
        });
        self.tell_waits(changed);
    }

    /// What was gathered on the way.
    pub fn facts(&self) -> Facts {
        self.inner.life.borrow().facts.clone()
    }

    /// Adds to what was gathered on the way.
    pub fn note(&self, note: impl FnOnce(&mut Facts)) {
        self.inner.life.send_modify(|life| note(&mut life.facts));
    }

    /// Says where it stands now. When a person is needed, others can see it from then on.
    pub fn set_state(&self, state: State) {
        let hub = &self.inner.hub;
        let mut before = State::Queued;
        // Told under the lock, so that news come in the order in which things happen.
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

    /// Says which credential it is about.
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

    /// What a person has to do may be about something else now.
    fn tell_waits(&self, changed: bool) {
        if changed && self.state().need().is_some() {
            self.inner.hub.update_waits();
        }
    }

    /// Lets others see it, unless it is over.
    pub fn publish(&self) {
        self.inner.life.send_if_modified(|life| {
            let is_new = !life.state.is_final() && !std::mem::replace(&mut life.is_published, true);
            if is_new {
                self.inner.hub.tell(Event::Published(self.clone(), life.state));
            }
            is_new
        });
    }

    /// Others can see it.
    pub fn is_published(&self) -> bool {
        self.inner.life.borrow().is_published
    }

    /// Ends what is not sent. False when a code was sent, which is not taken back, but nothing more follows; and when it
    /// is over.
    pub fn cancel(&self, why: Cancellation) -> bool {
        let mut nothing_sent = false;
        self.inner.life.send_if_modified(|life| {
            let code_sent = life.submitting == Some(Sending::Code) || life.facts.submitted();
            nothing_sent = !code_sent && !life.state.is_final();
            let changed = life.cancelled.is_none() && !life.state.is_final();
            if changed {
                life.cancelled = Some(why);
            }
            // Whatever else ended it before.
            life.is_orphan |= why == Cancellation::CallerGone;
            changed
        });
        nothing_sent
    }

    /// Its caller has left the bus, so nobody wants to know how it ended.
    pub fn is_orphan(&self) -> bool {
        self.inner.life.borrow().is_orphan
    }

    /// Ends when the operation is cancelled, and not while a submission is under way.
    pub async fn cancelled(&self) -> Cancellation {
        let mut life = self.inner.life.subscribe();
        let why = match life.wait_for(|life| life.cancelled.is_some() && life.submitting.is_none()).await {
            Ok(life) => life.cancelled,
            Err(_) => None,
        };
        match why {
            Some(why) => why,
            // The sender lives as long as this borrow.
            None => std::future::pending().await,
        }
    }

    /// From here on nothing is cancelled until [`Operation::end_submission`].
    ///
    /// # Errors
    ///
    /// When it was cancelled before.
    pub fn begin_submission(&self, what: Sending) -> Result<(), Cancellation> {
        let mut cancelled = None;
        self.inner.life.send_if_modified(|life| {
            cancelled = life.cancelled;
            life.submitting = cancelled.is_none().then_some(what);
            false
        });
        cancelled.map_or(Ok(()), Err)
    }

    /// What was sent is known and recorded, and something else may follow.
    pub fn end_submission(&self) {
        self.inner.life.send_modify(|life| life.submitting = None);
    }

    /// It is over; others still see it until [`Operation::forget`].
    pub fn end(&self, state: State) {
        self.set_state(state);
        self.inner.hub.ended(self.inner.number);
    }

    /// Nobody sees it any more, and its handle may be used again.
    pub fn forget(&self) {
        let hub = &self.inner.hub;
        self.inner.life.send_if_modified(|life| {
            let is_new = !std::mem::replace(&mut life.is_forgotten, true);
            // Told first: a later operation of the same handle has the same object, which shall come after this one's end.
            if is_new && life.is_published {
                hub.tell(Event::Forgotten(self.clone()));
            }
            if is_new {
                // Only once: that later operation's handle is not to be freed.
                hub.forget_handle(&self.inner.request);
            }
            is_new
        });
    }

    /// The state, and since when it is that, in Unix time.
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
