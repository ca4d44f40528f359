//! The state of an attached device: its token, the result of its last reading, and its next reading.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::snapshot::State;
use crate::clock::Clock;
use crate::device::{Attachment, Problem};
use crate::token::{Error, Event, Info, Listed, Token};

/// The pauses between failed readings in a row, in seconds; the last pause repeats.
const RETRY_SECONDS: [u64; 5] = [2, 5, 10, 30, 60];

/// The minimum time from a failed reading to a retry that a call requests, so that calls cannot keep a broken card busy.
const MIN_RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// A caller that waits for the keeper. Dropping the waiter answers it.
#[derive(Debug)]
pub(super) struct Waiter {
    _answer: oneshot::Sender<()>,
}

pub(super) struct Device {
    pub(super) info: Option<Info>,
    /// Whether the first reading has ended, with or without success.
    pub(super) is_read: bool,
    /// Whether it is a card that did not say whether it has an application.
    is_unclear: bool,
    /// Whether the first reading takes long, although the device has an application.
    is_slow: bool,
    /// Dropped when the first reading has ended.
    first_reading: Option<oneshot::Sender<()>>,
    /// The description of a security key without OATH.
    key_without_oath: Option<Info>,
    pub(super) token: Token,
    pub(super) attachment: Attachment,
    /// The name of its transport.
    pub(super) transport: &'static str,
    /// The number of the attachment, which distinguishes it from an earlier one of the same device.
    pub(super) number: u64,
    clock: Arc<dyn Clock>,
    pub(super) state: State,
    pub(super) listed: Listed,
    failure: Option<Failure>,
    reading: Option<Reading>,
}

/// Failed readings in a row.
struct Failure {
    count: usize,
    /// The monotonic time of the last failure.
    at: Duration,
}

/// A planned or running reading.
struct Reading {
    /// Begins the reading at once; closed when it has begun.
    begin_now: Option<oneshot::Sender<()>>,
    waiters: Vec<Arc<Waiter>>,
}

impl Waiter {
    /// A waiter, and the receiver that ends when the waiter is dropped.
    pub(super) fn new() -> (Self, oneshot::Receiver<()>) {
        let (answer, answered) = oneshot::channel();
        (Self { _answer: answer }, answered)
    }
}

impl Device {
    pub(super) fn new(
        token: Token,
        attachment: Attachment,
        transport: &'static str,
        number: u64,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            info: None,
            is_read: false,
            is_unclear: false,
            is_slow: false,
            first_reading: None,
            key_without_oath: None,
            token,
            attachment,
            transport,
            number,
            clock,
            state: State::Reading,
            listed: Listed::default(),
            failure: None,
            reading: None,
        }
    }

    /// Whether it is in a smart card reader.
    pub(super) fn has_reader(&self) -> bool {
        self.attachment.reader.is_some()
    }

    /// Whether it is no token at present. The next reading may make it one.
    pub(super) fn may_become_token(&self, includes_cards: bool) -> bool {
        self.info.is_none() && (!self.has_reader() || includes_cards && self.is_unclear)
    }

    /// The description of its token. A card without one has a description of its place if it may be a token: if another
    /// program has held it since its insertion, if it hangs, or if its first reading takes long. So has a key without OATH.
    pub(super) fn shown(&self) -> Option<Info> {
        let is_shown = match &self.state {
            State::Busy | State::Stuck | State::Error(Error::NfcRestricted) => true,
            _ => self.is_slow,
        };
        let reader = self.attachment.reader.as_deref().filter(|_| is_shown);
        let of_place = |reader| Info::unidentified(reader, self.attachment.is_virtual, self.transport);
        let key = self.key_without_oath.as_ref().filter(|_| self.state == State::NoOath);
        self.info.as_ref().or(key).cloned().or_else(|| reader.map(of_place))
    }

    /// The device has an application, so its first reading may take long. The receiver ends with that reading.
    pub(super) fn begin_first_reading(&mut self) -> oneshot::Receiver<()> {
        let (reading, over) = oneshot::channel();
        self.first_reading = Some(reading);
        over
    }

    /// Shows the device if its first reading has not ended. Returns whether it was hidden.
    pub(super) fn show_slow(&mut self) -> bool {
        !self.is_read && !std::mem::replace(&mut self.is_slow, true)
    }

    /// Applies an event of the worker.
    pub(super) fn apply(&mut self, event: Event) {
        if matches!(event, Event::Begun) {
            return;
        }
        (self.is_slow, self.first_reading) = (false, None);
        let is_unclear = matches!(event, Event::Failed(Error::Unclear));
        let is_first = !std::mem::replace(&mut self.is_read, true);
        match event {
            // No reading has ended, but a caller is to know why the card is not there. The event may follow the result of a
            // reading, which then stays.
            Event::Held if is_first && self.info.is_none() && self.has_reader() => self.state = State::Busy,
            Event::Begun | Event::Selected(_) | Event::Replaced | Event::Held | Event::Revived => {}
            Event::Ready(listed) => self.succeed(listed, State::Ready),
            Event::Locked => self.succeed(Listed::default(), State::Locked),
            Event::Stuck => self.state = State::Stuck,
            Event::WithoutOath(info) => {
                (self.info, self.key_without_oath) = (None, Some(info));
                self.succeed(Listed::default(), State::NoOath);
            }
            Event::NoApplication | Event::Failed(Error::Unclear) => {
                self.info = None;
                self.succeed(Listed::default(), State::Reading);
                self.is_unclear = is_unclear;
            }
            Event::Failed(error) => {
                let count = self.failure.as_ref().map_or(0, |failure| failure.count) + 1;
                self.failure = Some(Failure { count, at: self.clock.monotonic() });
                self.state = match error {
                    Error::Busy => State::Busy,
                    error => State::Error(error),
                };
            }
        }
    }

    fn succeed(&mut self, listed: Listed, state: State) {
        (self.listed, self.state, self.is_unclear) = (listed, state, false);
        self.forget_failures();
    }

    fn forget_failures(&mut self) {
        self.failure = None;
        // A retry that has not begun is no longer needed.
        self.reading.take_if(|reading| !reading.has_begun());
    }

    /// The problem that hides its token. The smart card service may refuse a card although it still serves an earlier
    /// connection of the daemon, so its transport does not report that.
    pub(super) fn problem(&self) -> Option<Problem> {
        match self.state {
            State::Error(Error::PcscDenied) => Some(Problem::PcscDenied),
            State::Error(Error::PcscFull) => Some(Problem::PcscFull),
            _ => None,
        }
    }

    /// Plans the next reading if the last one failed and none is planned. `ended` is called after that reading.
    ///
    /// A card that the smart card service refuses waits for [`Device::hasten_retry`], because each attempt is an entry
    /// in the journal of the system. So does a token that wants a password to be set or cannot list all its credentials,
    /// because each attempt deselects the application of another program, and a key that answers nothing over NFC, which is
    /// to be plugged in first.
    pub(super) fn retry(&mut self, ended: impl FnOnce() + Send + 'static) {
        use Error::{ListIncomplete, NfcRestricted, PasswordUnset, PcscDenied};
        let Some(failure) = self.failure.as_ref().filter(|_| self.reading.is_none()) else { return };
        if matches!(self.state, State::Error(PcscDenied | PasswordUnset | NfcRestricted | ListIncomplete)) {
            return self.read_after(None, ended);
        }
        // Another program may let go of a card at any moment. The attempt sends nothing to the card before that.
        let is_held = self.state == State::Busy && self.has_reader();
        let place = if is_held { 0 } else { failure.count.saturating_sub(1) };
        if let Some(seconds) = RETRY_SECONDS.get(place).or(RETRY_SECONDS.last()) {
            self.read_after(Some(Duration::from_secs(*seconds)), ended);
        }
    }

    /// Reads the device now. If a reading is planned already, it begins now and `ended` is dropped; otherwise `ended` is
    /// called after the reading.
    pub(super) fn read(&mut self, ended: impl FnOnce() + Send + 'static) {
        match &mut self.reading {
            Some(reading) => reading.begin(),
            None => self.read_after(Some(Duration::ZERO), ended),
        }
    }

    /// Begins the planned retry of a failed reading now, and holds the waiter until the reading has ended. Does nothing
    /// within [`MIN_RETRY_INTERVAL`] of the failure.
    pub(super) fn hasten_retry(&mut self, waiter: &Arc<Waiter>) {
        let now = self.clock.monotonic();
        let is_due = |failure: &Failure| now.saturating_sub(failure.at) >= MIN_RETRY_INTERVAL;
        if self.failure.as_ref().is_some_and(is_due)
            && let Some(reading) = &mut self.reading
        {
            reading.begin();
            reading.waiters.push(Arc::clone(waiter));
        }
    }

    /// Ends the current reading. Returns the callers that waited for it.
    pub(super) fn end_reading(&mut self) -> Vec<Arc<Waiter>> {
        self.reading.take().map(|reading| reading.waiters).unwrap_or_default()
    }

    /// Without a delay it reads only on request.
    fn read_after(&mut self, delay: Option<Duration>, ended: impl FnOnce() + Send + 'static) {
        let (begin_now, mut requested) = oneshot::channel();
        self.reading = Some(Reading { begin_now: Some(begin_now), waiters: Vec::new() });
        let (token, clock) = (self.token.downgrade(), Arc::clone(&self.clock));
        tokio::spawn(async move {
            let is_requested = if delay == Some(Duration::ZERO) {
                true
            } else {
                let pause = async {
                    match delay {
                        Some(delay) => clock.sleep(delay).await,
                        None => std::future::pending().await,
                    }
                };
                tokio::select! {
                    () = pause => false,
                    // An error means that the device was detached, or that another reading has succeeded.
                    request = &mut requested => match request {
                        Ok(()) => true,
                        Err(_) => return,
                    },
                }
            };
            drop(requested);
            if let Some(token) = token.upgrade() {
                // An error arrives as an event as well. Without a caller the next attempt comes soon enough.
                let _ = if is_requested { token.read().await } else { token.read_if_free().await };
            }
            ended();
        });
    }
}

impl Reading {
    fn begin(&mut self) {
        if let Some(begin_now) = self.begin_now.take() {
            // An error means that the reading has begun.
            let _ = begin_now.send(());
        }
    }

    fn has_begun(&self) -> bool {
        self.begin_now.as_ref().is_none_or(oneshot::Sender::is_closed)
    }
}
