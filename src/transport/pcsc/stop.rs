//! Ending a thread that blocks in the service, or waits for the service to come.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pcsc::Context;
use rustix::event::{EventfdFlags, eventfd};

/// How often a cancellation is repeated: one that comes just before the wait begins is lost.
const REPEAT: Duration = Duration::from_millis(20);

/// Shared by the thread that watches and the one that ends it.
pub(super) struct Stop {
    state: Mutex<State>,
    ended: Condvar,
    /// Readable from the stop on. Without one (no descriptors left) waits have to be short.
    wake: Option<OwnedFd>,
}

#[derive(Default)]
struct State {
    stopping: bool,
    running: bool,
    context: Option<Context>,
}

impl Stop {
    pub(super) fn new() -> Self {
        let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).ok();
        Self { state: Mutex::default(), ended: Condvar::new(), wake }
    }

    /// Marks this thread as the one to wait for; `None` when it shouldn't even begin.
    pub(super) fn begin(&self) -> Option<Running<'_>> {
        let mut state = self.state();
        if state.stopping {
            return None;
        }
        state.running = true;
        Some(Running(self))
    }

    /// Returns when the running thread has ended; from then on none begins.
    pub(super) fn stop(&self) {
        let mut state = self.state();
        state.stopping = true;
        if let Some(wake) = &self.wake {
            // It fails only when it is readable already.
            let _ = rustix::io::write(wake, &1_u64.to_ne_bytes());
        }
        while state.running {
            if let Some(context) = &state.context {
                // An error means that the service is gone, and then nothing waits for it.
                let _ = context.cancel();
            }
            (state, _) = self.ended.wait_timeout(state, REPEAT).unwrap_or_else(PoisonError::into_inner);
        }
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.state().stopping
    }

    /// Which context [`Stop::stop`] has to cancel.
    pub(super) fn blocks_in(&self, context: Option<Context>) {
        let before = std::mem::replace(&mut self.state().context, context);
        drop(before);
    }

    pub(super) fn wake(&self) -> Option<BorrowedFd<'_>> {
        self.wake.as_ref().map(AsFd::as_fd)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// As long as it lives, [`Stop::stop`] waits.
pub(super) struct Running<'s>(&'s Stop);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.blocks_in(None);
        self.0.state().running = false;
        self.0.ended.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    #[test]
    fn stop_waits_for_the_running_thread_and_lets_no_other_begin() {
        let stop = Stop::new();
        let (ending, ended) = mpsc::channel();
        thread::scope(|scope| {
            let running = stop.begin().unwrap();
            scope.spawn(move || {
                while !running.0.is_stopping() {
                    thread::yield_now();
                }
                ending.send(()).unwrap();
                drop(running);
            });
            stop.stop();
            ended.try_recv().expect("stop returned before the thread had ended");
        });
        assert!(stop.begin().is_none());
        stop.stop();
    }
}
