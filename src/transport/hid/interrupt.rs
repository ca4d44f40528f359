//! Interrupts the monitor thread while it waits, to stop it or to request a scan.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use rustix::event::{EventfdFlags, eventfd};

use crate::sync::IgnorePoison;

/// The maximum time that a caller waits for a scan.
const SCAN_TIMEOUT: Duration = Duration::from_secs(3);

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
        self.wake();
        self.changed.notify_all();
        drop(self.changed.wait_while(state, |state| state.running).ignore_poison());
    }

    /// Requests a scan. Returns when the monitor thread has reported a scan that began after this call, when no monitor thread
    /// is running, or after 3 s.
    pub(super) fn request_scan(&self) {
        let mut state = self.state();
        state.requested += 1;
        let requested = state.requested;
        self.wake();
        let goes_on = |state: &mut State| state.running && !state.stopping && state.completed < requested;
        drop(self.changed.wait_timeout_while(state, SCAN_TIMEOUT, goes_on).ignore_poison());
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.state().stopping
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

    fn wake(&self) {
        if let Some(wake) = &self.wake {
            // An error means that it is readable already.
            let _ = rustix::io::write(wake, &1_u64.to_ne_bytes());
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().ignore_poison()
    }
}

/// The registration of the monitor thread. [`Interrupt::stop`] waits until it is dropped.
pub(super) struct Running<'i>(&'i Interrupt);

impl Drop for Running<'_> {
    fn drop(&mut self) {
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
