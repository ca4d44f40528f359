//! Interrupts the monitor thread of a transport while it waits, to stop it or to request a scan.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use rustix::event::{EventfdFlags, eventfd};

use crate::sync::IgnorePoison;

/// The interval of repeated cancellations. A cancellation just before the start of a call has no effect.
const CANCEL_INTERVAL: Duration = Duration::from_millis(20);

/// The maximum time that a caller waits for a scan.
const SCAN_TIMEOUT: Duration = Duration::from_secs(3);

/// The maximum time that a caller waits for a scan if the system refuses to cancel the call of the monitor thread. Another
/// attempt would be refused as well, unless the service is stopping: then the call ends by itself within this time.
const REFUSED_TIMEOUT: Duration = Duration::from_millis(500);

/// Cancels a blocking call of the monitor thread that the descriptor does not end. Returns false if the system refuses that.
pub(super) type Cancel = Box<dyn Fn() -> bool + Send>;

/// Shared by the monitor thread and the threads that interrupt it.
pub(super) struct Interrupt {
    state: Mutex<State>,
    changed: Condvar,
    /// Readable from an interruption until the monitor thread reads it. `None` if no descriptor was left.
    wake: Option<OwnedFd>,
}

#[derive(Default)]
struct State {
    stopping: bool,
    running: bool,
    cancel: Option<Cancel>,
    /// The number of requested scans, and the number of those that have been reported.
    requested: u64,
    completed: u64,
    /// The number of reported scans.
    scans: u64,
}

impl Interrupt {
    pub(super) fn new() -> Self {
        let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).ok();
        Self { state: Mutex::default(), changed: Condvar::new(), wake }
    }

    /// Registers the calling thread as the monitor thread; `None` after a stop.
    pub(super) fn begin(&self) -> Option<Running<'_>> {
        let mut state = self.state();
        if state.stopping {
            return None;
        }
        state.running = true;
        Some(Running(self))
    }

    /// Stops the monitor thread and waits until it has ended. No other thread can begin after this call.
    pub(super) fn stop(&self) {
        let mut state = self.state();
        state.stopping = true;
        self.changed.notify_all();
        self.interrupt_while(state, None, |state| state.running);
    }

    /// Requests a scan. Returns when the monitor thread has reported a scan that began after this call, when no monitor thread
    /// is running, or after 3 s; after 0.5 s if the system refuses to cancel its call.
    pub(super) fn request_scan(&self) {
        let mut state = self.state();
        state.requested += 1;
        let requested = state.requested;
        let deadline = Instant::now() + SCAN_TIMEOUT;
        self.interrupt_while(state, Some(deadline), |state| {
            state.running && !state.stopping && state.completed < requested
        });
    }

    fn interrupt_while(
        &self,
        mut state: MutexGuard<'_, State>,
        mut deadline: Option<Instant>,
        goes_on: impl Fn(&State) -> bool,
    ) {
        if let Some(wake) = &self.wake {
            // An error means that it is readable already.
            let _ = rustix::io::write(wake, &1_u64.to_ne_bytes());
        }
        let mut is_refused = false;
        while goes_on(&state) && deadline.is_none_or(|deadline| Instant::now() < deadline) {
            if !is_refused && state.cancel.as_ref().is_some_and(|cancel| !cancel()) {
                is_refused = true;
                deadline = deadline.map(|deadline| deadline.min(Instant::now() + REFUSED_TIMEOUT));
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            let interval = (state.cancel.is_some() && !is_refused).then_some(CANCEL_INTERVAL);
            state = match left.into_iter().chain(interval).min() {
                Some(limit) => self.changed.wait_timeout(state, limit).ignore_poison().0,
                None => self.changed.wait(state).ignore_poison(),
            };
        }
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.state().stopping
    }

    /// Whether a stop or a scan is requested.
    pub(super) fn is_pending(&self) -> bool {
        let state = self.state();
        state.stopping || state.completed < state.requested
    }

    /// Sets the cancellation of the call that the monitor thread blocks in, for an interruption.
    pub(super) fn set_cancel(&self, cancel: Option<Cancel>) {
        let before = std::mem::replace(&mut self.state().cancel, cancel);
        self.changed.notify_all();
        drop(before);
    }

    /// The number of scans requested so far. The monitor thread reads it before a scan, for [`Interrupt::complete`].
    pub(super) fn requested(&self) -> u64 {
        let state = self.state();
        if let Some(wake) = self.wake.as_ref().filter(|_| !state.stopping) {
            // An error means that it is not readable.
            let _ = rustix::io::read(wake, &mut [0; 8]);
        }
        state.requested
    }

    /// Completes the first `requested` scans, after the report of a scan.
    pub(super) fn complete(&self, requested: u64) {
        let mut state = self.state();
        state.completed = requested;
        state.scans += 1;
        self.changed.notify_all();
    }

    /// The number of reported scans.
    pub(super) fn scans(&self) -> u64 {
        self.state().scans
    }

    /// Waits until more than `seen` scans have been reported, or until `deadline`.
    pub(super) fn wait_for_scan(&self, seen: u64, deadline: Instant) {
        let left = deadline.saturating_duration_since(Instant::now());
        let goes_on = |state: &mut State| state.running && state.scans <= seen;
        drop(self.changed.wait_timeout_while(self.state(), left, goes_on).ignore_poison());
    }

    /// The descriptor that is readable after an interruption.
    pub(super) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.wake.as_ref().map(AsFd::as_fd)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().ignore_poison()
    }
}

/// The registration of the monitor thread. [`Interrupt::stop`] waits until it is dropped.
pub(super) struct Running<'i>(&'i Interrupt);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.set_cancel(None);
        self.0.state().running = false;
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    /// A timeout that only a failing test reaches.
    const TEST_TIMEOUT: Duration = Duration::from_secs(600);

    #[test]
    fn stop_waits_for_the_running_thread_and_lets_no_other_begin() {
        let interrupt = Interrupt::new();
        let (ending, ended) = mpsc::channel();
        thread::scope(|scope| {
            let running = interrupt.begin().unwrap();
            scope.spawn(move || {
                while !running.0.is_stopping() {
                    thread::yield_now();
                }
                ending.send(()).unwrap();
                drop(running);
            });
            interrupt.stop();
            ended.try_recv().expect("stop returned before the thread had ended");
        });
        assert!(interrupt.begin().is_none());
        interrupt.stop();
    }

    #[test]
    fn a_request_ends_after_a_scan_that_began_later() {
        let interrupt = Interrupt::new();
        // Without a monitor thread the request returns at once.
        interrupt.request_scan();
        thread::scope(|scope| {
            let running = interrupt.begin().unwrap();
            scope.spawn(|| {
                let running = running;
                while !running.0.is_stopping() {
                    let requested = running.0.requested();
                    running.0.complete(requested);
                }
            });
            for _ in 0..100 {
                let before = interrupt.scans();
                interrupt.request_scan();
                assert!(interrupt.scans() > before);
            }
            interrupt.stop();
        });
    }

    #[test]
    fn a_call_that_begins_after_the_interruption_is_cancelled_as_well() {
        let interrupt = Interrupt::new();
        let (cancel, cancelled) = mpsc::channel();
        thread::scope(|scope| {
            let running = interrupt.begin().unwrap();
            scope.spawn(move || {
                // A closure that names only a field takes only the field.
                let running = running;
                while !running.0.is_stopping() {
                    thread::yield_now();
                }
                running.0.set_cancel(Some(Box::new(move || {
                    cancel.send(()).unwrap_or_default();
                    true
                })));
                // The first cancellation may come before the call.
                cancelled.recv().unwrap();
                cancelled.recv().unwrap();
            });
            interrupt.stop();
        });
    }

    #[test]
    fn a_refused_cancellation_is_not_repeated_and_ends_the_request_of_a_scan() {
        let interrupt = Interrupt::new();
        let (cancel, cancelled) = mpsc::channel();
        let refusing = move || {
            cancel.send(()).unwrap_or_default();
            false
        };
        let running = interrupt.begin().unwrap();
        interrupt.set_cancel(Some(Box::new(refusing)));
        let started = Instant::now();
        interrupt.request_scan();
        assert!((REFUSED_TIMEOUT..SCAN_TIMEOUT).contains(&started.elapsed()));
        assert_eq!(cancelled.try_iter().count(), 1);
        // The call may end by itself, because the service is stopping.
        thread::scope(|scope| {
            let requesting = scope.spawn(|| interrupt.request_scan());
            cancelled.recv().unwrap();
            let before = interrupt.scans();
            interrupt.complete(interrupt.requested());
            requesting.join().unwrap();
            assert_eq!(interrupt.scans(), before + 1);
        });
        thread::scope(|scope| {
            let stopping = scope.spawn(|| interrupt.stop());
            cancelled.recv().unwrap();
            // A second cancellation would come within this time.
            assert!(cancelled.recv_timeout(5 * CANCEL_INTERVAL).is_err());
            drop(running);
            stopping.join().unwrap();
        });
    }

    #[test]
    fn a_scan_between_a_look_and_the_wait_ends_the_wait() {
        let interrupt = Interrupt::new();
        let _running = interrupt.begin().unwrap();
        let seen = interrupt.scans();
        interrupt.complete(0);
        let started = Instant::now();
        interrupt.wait_for_scan(seen, started + TEST_TIMEOUT);
        assert!(started.elapsed() < TEST_TIMEOUT);
        interrupt.wait_for_scan(interrupt.scans(), Instant::now());
    }
}
