//! An attached device, the token that it turned out to be, and its next reading.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::snapshot::State;
use crate::clock::Clock;
use crate::oath::Credential;
use crate::token::{Event, Info, Token};

/// Seconds from each failed reading in a row to the next one; the last value repeats.
const RETRY_SECONDS: [u64; 5] = [2, 5, 10, 30, 60];

/// A call brings the next reading forward only when the last one failed at least this long ago, so that callers can't
/// keep a broken card busy.
const FRESH: Duration = Duration::from_secs(1);

/// A caller that waits for the keeper: dropping this is the answer.
#[derive(Debug)]
pub(super) struct Waiter {
    _answer: oneshot::Sender<()>,
}

pub(super) struct Device {
    pub(super) info: Option<Info>,
    /// The first reading has ended, whatever came of it.
    pub(super) is_read: bool,
    pub(super) token: Token,
    clock: Arc<dyn Clock>,
    pub(super) state: State,
    pub(super) credentials: Vec<Credential>,
    failure: Option<Failure>,
    reading: Option<Reading>,
}

/// Failed readings in a row.
struct Failure {
    count: usize,
    /// Monotonic time of the last one.
    at: Duration,
}

/// A reading that will begin, or has begun and not ended.
struct Reading {
    /// Begins it at once; closed when it has begun.
    sooner: Option<oneshot::Sender<()>>,
    waiters: Vec<Arc<Waiter>>,
}

impl Waiter {
    /// A waiter, and what ends when it was answered.
    pub(super) fn new() -> (Self, oneshot::Receiver<()>) {
        let (answer, answered) = oneshot::channel();
        (Self { _answer: answer }, answered)
    }
}

impl Device {
    pub(super) fn new(token: Token, clock: Arc<dyn Clock>) -> Self {
        Self {
            info: None,
            is_read: false,
            token,
            clock,
            state: State::Reading,
            credentials: Vec::new(),
            failure: None,
            reading: None,
        }
    }

    /// Takes over what the worker reports, except [`Event::Selected`].
    pub(super) fn learn(&mut self, event: Event) {
        self.is_read = true;
        match event {
            Event::Selected(_) | Event::Held | Event::Revived => {}
            Event::Ready(credentials) => self.succeed(credentials, State::Ready),
            Event::Locked => self.succeed(Vec::new(), State::Locked),
            Event::Stuck => self.state = State::Stuck,
            Event::NoApplication => self.forget_failures(),
            Event::Failed(error) => {
                let count = self.failure.as_ref().map_or(0, |failure| failure.count) + 1;
                self.failure = Some(Failure { count, at: self.clock.monotonic() });
                self.state = State::Error(error);
            }
        }
    }

    fn succeed(&mut self, credentials: Vec<Credential>, state: State) {
        (self.credentials, self.state) = (credentials, state);
        self.forget_failures();
    }

    fn forget_failures(&mut self) {
        self.failure = None;
        // A retry that has not begun is of no use any more.
        self.reading.take_if(|reading| !reading.has_begun());
    }

    /// Plans the next reading when the last one failed and none is planned. `ended` is called when it is over.
    pub(super) fn retry(&mut self, ended: impl FnOnce() + Send + 'static) {
        let Some(failure) = self.failure.as_ref().filter(|_| self.reading.is_none()) else { return };
        let place = failure.count.saturating_sub(1);
        if let Some(seconds) = RETRY_SECONDS.get(place).or(RETRY_SECONDS.last()) {
            self.read_after(Duration::from_secs(*seconds), ended);
        }
    }

    /// Reads the device now. `ended` is called when that is over, unless a reading was planned already.
    pub(super) fn read(&mut self, ended: impl FnOnce() + Send + 'static) {
        match &mut self.reading {
            Some(reading) => reading.begin(),
            None => self.read_after(Duration::ZERO, ended),
        }
    }

    /// A call wants the token: if reading it failed, that is tried again now, and the waiter is kept until the reading
    /// has ended.
    pub(super) fn want(&mut self, waiter: &Arc<Waiter>) {
        let now = self.clock.monotonic();
        let is_due = |failure: &Failure| now.saturating_sub(failure.at) >= FRESH;
        if self.failure.as_ref().is_some_and(is_due)
            && let Some(reading) = &mut self.reading
        {
            reading.begin();
            reading.waiters.push(Arc::clone(waiter));
        }
    }

    /// The reading is over. Returns the callers that waited for it.
    pub(super) fn end_reading(&mut self) -> Vec<Arc<Waiter>> {
        self.reading.take().map(|reading| reading.waiters).unwrap_or_default()
    }

    fn read_after(&mut self, delay: Duration, ended: impl FnOnce() + Send + 'static) {
        let (sooner, mut wanted) = oneshot::channel();
        self.reading = Some(Reading { sooner: Some(sooner), waiters: Vec::new() });
        let (token, clock) = (self.token.downgrade(), Arc::clone(&self.clock));
        tokio::spawn(async move {
            if !delay.is_zero() {
                tokio::select! {
                    () = clock.sleep(delay) => {}
                    // An error means that the device has gone, or was read on another occasion.
                    wanted = &mut wanted => if wanted.is_err() { return },
                }
            }
            drop(wanted);
            if let Some(token) = token.upgrade() {
                // What went wrong arrives as an event.
                let _ = token.read().await;
            }
            ended();
        });
    }
}

impl Reading {
    fn begin(&mut self) {
        if let Some(sooner) = self.sooner.take() {
            // An error means that it has begun.
            let _ = sooner.send(());
        }
    }

    fn has_begun(&self) -> bool {
        self.sooner.as_ref().is_none_or(oneshot::Sender::is_closed)
    }
}
