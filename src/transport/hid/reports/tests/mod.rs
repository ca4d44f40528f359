//! A node that the test plays, on a clock that the test moves.

mod failures;
mod lengths;
mod waits;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use hidapi::HidResult;

use super::*;

/// What the node does, and what it was asked for. Times are durations since the start of the test.
#[derive(Default)]
struct State {
    now: Duration,
    /// When the kernel removes the node and the USB device; `None` if they stay.
    removed: Option<Duration>,
    parent_removed: Option<Duration>,
    /// The results of the next exchanges: the length of a received report, the number of sent bytes, or an error. Each one
    /// takes a time. A wait for an input report ends at its limit, even if its result comes later.
    results: VecDeque<(Duration, HidResult<usize>)>,
    /// The reports that were sent, and the lengths of the buffers for those that were received.
    sent: Vec<Vec<u8>>,
    buffers: Vec<usize>,
    /// The durations of the waits for input reports, in ms.
    waits: Vec<i32>,
    /// The results of the next attempts to take the lock; it is free after them.
    locks: VecDeque<Errno>,
    attempts: usize,
    is_locked: bool,
}

/// The node as both of its descriptors show it.
#[derive(Clone)]
struct Fake {
    state: Arc<Mutex<State>>,
    begin: Instant,
}

impl Fake {
    fn new(results: impl IntoIterator<Item = (Duration, HidResult<usize>)>) -> Self {
        let state = State { results: results.into_iter().collect(), ..State::default() };
        Self { state: Arc::new(Mutex::new(state)), begin: Instant::now() }
    }

    /// A node whose exchanges take no time.
    fn quick(results: impl IntoIterator<Item = HidResult<usize>>) -> Self {
        Self::new(results.into_iter().map(|result| (Duration::ZERO, result)))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// The time since the start of the test.
    fn elapsed(&self) -> Duration {
        self.state().now
    }

    /// The number of attempts to take the lock, and whether it is held.
    fn lock_state(&self) -> (usize, bool) {
        let state = self.state();
        (state.attempts, state.is_locked)
    }

    /// The kernel removes the node and the USB device at these times, if at all.
    fn remove(&self, node: Option<Duration>, parent: Option<Duration>) {
        let mut state = self.state();
        (state.removed, state.parent_removed) = (node, parent);
    }

    fn reports(&self, kind: HidKind) -> HidReports<Self, Self> {
        HidReports {
            device: self.clone(),
            node: self.clone(),
            is_locked: false,
            kind,
            name: "1-1:1.0".into(),
        }
    }

    /// The next result, unless it comes after `limit`.
    fn next(&self, limit: Option<Duration>) -> HidResult<usize> {
        let mut state = self.state();
        match (state.results.front(), limit) {
            (Some((time, _)), Some(limit)) if *time > limit => {}
            (None, Some(_)) => {}
            _ => {
                let (time, result) =
                    state.results.pop_front().expect("an exchange more than there are results");
                state.now += time;
                return result;
            }
        }
        state.now += limit.unwrap_or_default();
        Ok(0)
    }
}

/// Fills as much of a buffer as was received.
fn fill(buffer: &mut [u8], length: usize) {
    for (byte, number) in buffer.iter_mut().take(length).zip(1..) {
        *byte = number;
    }
}

impl Hidraw for Fake {
    fn write(&self, numbered: &[u8]) -> HidResult<usize> {
        self.state().sent.push(numbered.to_vec());
        self.next(None)
    }

    fn read_timeout(&self, report: &mut [u8], millis: i32) -> HidResult<usize> {
        self.state().buffers.push(report.len());
        self.state().waits.push(millis);
        assert!(self.state().waits.len() < MAX_WAITS, "a busy loop");
        let length = self.next(Some(ms(u64::try_from(millis).unwrap_or_default())))?;
        fill(report, length);
        Ok(length)
    }

    fn send_feature_report(&self, numbered: &[u8]) -> HidResult<()> {
        self.write(numbered).map(drop)
    }

    fn get_feature_report(&self, numbered: &mut [u8]) -> HidResult<usize> {
        self.state().buffers.push(numbered.len());
        let length = self.next(None)?;
        fill(&mut numbered[1..], length.saturating_sub(1));
        Ok(length)
    }
}

impl Watch for Fake {
    fn is_gone(&self, timeout: Duration) -> bool {
        let mut state = self.state();
        let end = state.now + timeout;
        let removed = state.removed.filter(|removed| *removed <= end);
        state.now = removed.unwrap_or(end).max(state.now);
        removed.is_some()
    }

    fn has_parent(&self) -> bool {
        let state = self.state();
        state.parent_removed.is_none_or(|removed| state.now < removed)
    }

    fn try_lock(&self) -> Result<(), Errno> {
        let mut state = self.state();
        state.attempts += 1;
        state.locks.pop_front().map_or(Ok(()), Err)?;
        state.is_locked = true;
        Ok(())
    }

    fn unlock(&self) {
        self.state().is_locked = false;
    }

    fn now(&self) -> Instant {
        self.begin + self.state().now
    }

    fn pause(&self, duration: Duration) {
        self.state().now += duration;
    }
}

/// An error of hidapi, as that of a read or a write.
fn io_error(errno: Errno) -> HidError {
    HidError::IoError { error: errno.into() }
}

/// An error of hidapi, as that of an exchange of feature reports.
fn text(message: &str) -> HidError {
    HidError::HidApiError { message: message.to_owned() }
}

/// The number of waits that only a busy loop reaches.
const MAX_WAITS: usize = 100;

/// A wait that no test reaches the end of.
const LONG: Duration = Duration::from_secs(60);

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}
