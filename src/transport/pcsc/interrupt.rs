//! Interrupts the monitor thread while it blocks in the service or waits for the service, to stop it or to request a scan.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use pcsc::Context;
use rustix::event::{EventfdFlags, eventfd};

use crate::sync::IgnorePoison;

/// The interval of repeated cancellations. A cancellation just before the start of a wait has no effect.
const CANCEL_INTERVAL: Duration = Duration::from_millis(20);

/// The maximum time that a caller waits for a scan.
const SCAN_TIMEOUT: Duration = Duration::from_secs(3);

/// Shared by the monitor thread and the threads that interrupt it.
pub(super) struct Interrupt {
    state: Mutex<State>,
    changed: Condvar,
    /// Readable from an interruption until the monitor thread reads it. If no descriptor was left for it, waits must be
    /// short.
    wake: Option<OwnedFd>,
}

#[derive(Default)]
struct State {
    stopping: bool,
    running: bool,
    context: Option<Context>,
    /// The number of requested scans, and the number of those that have been reported.
    requested: u64,
    completed: u64,
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
    /// is running, or after 3 s.
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
        deadline: Option<Instant>,
        goes_on: impl Fn(&State) -> bool,
    ) {
        if let Some(wake) = &self.wake {
            // An error means that it is readable already.
            let _ = rustix::io::write(wake, &1_u64.to_ne_bytes());
        }
        while goes_on(&state) && deadline.is_none_or(|deadline| Instant::now() < deadline) {
            if let Some(context) = &state.context {
                // An error means that the service has stopped, which ends the wait as well.
                let _ = context.cancel();
            }
            (state, _) = self.changed.wait_timeout(state, CANCEL_INTERVAL).ignore_poison();
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
        self.state().completed = requested;
        self.changed.notify_all();
    }

    /// Sets the context that the monitor thread blocks in, to be cancelled by an interruption.
    pub(super) fn set_context(&self, context: Option<Context>) {
        let before = std::mem::replace(&mut self.state().context, context);
        drop(before);
    }

    /// The descriptor that is readable after an interruption.
    pub(super) fn wake(&self) -> Option<BorrowedFd<'_>> {
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
        self.0.set_context(None);
        self.0.state().running = false;
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::sync::mpsc;
    use std::thread;

    use super::*;

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
        let scans = AtomicU32::new(0);
        // Without a monitor thread the request returns at once.
        interrupt.request_scan();
        thread::scope(|scope| {
            let running = interrupt.begin().unwrap();
            scope.spawn(|| {
                let running = running;
                while !running.0.is_stopping() {
                    let requested = running.0.requested();
                    scans.fetch_add(1, Ordering::SeqCst);
                    running.0.complete(requested);
                    while !running.0.is_pending() {
                        thread::yield_now();
                    }
                }
            });
            for _ in 0..100 {
                let before = scans.load(Ordering::SeqCst);
                interrupt.request_scan();
                assert!(scans.load(Ordering::SeqCst) > before);
            }
            interrupt.stop();
        });
    }
}
