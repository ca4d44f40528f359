//! Interrupting a thread that blocks in the service, or waits for the service: to end it, or to have it look.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use pcsc::Context;
use rustix::event::{EventfdFlags, eventfd};

use crate::sync::IgnorePoison;

/// How often a cancellation is repeated: one that comes just before the wait begins is lost.
const REPEAT: Duration = Duration::from_millis(20);

/// The longest time that a look is waited for.
const LOOK_LIMIT: Duration = Duration::from_secs(3);

/// Shared by the thread that watches and those that interrupt it.
pub(super) struct Interrupt {
    state: Mutex<State>,
    changed: Condvar,
    /// Readable from an interruption on until it is heard. Without one (no descriptors left) waits have to be short.
    wake: Option<OwnedFd>,
}

#[derive(Default)]
struct State {
    stopping: bool,
    running: bool,
    context: Option<Context>,
    /// How many looks were asked for, and how many of them the thread has answered.
    asked: u64,
    answered: u64,
}

impl Interrupt {
    pub(super) fn new() -> Self {
        let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).ok();
        Self { state: Mutex::default(), changed: Condvar::new(), wake }
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
        self.changed.notify_all();
        self.interrupt_while(state, None, |state| state.running);
    }

    /// Returns when the running thread has looked after this call, when there is none, or after three seconds.
    pub(super) fn look(&self) {
        let mut state = self.state();
        state.asked += 1;
        let asked = state.asked;
        let deadline = Instant::now() + LOOK_LIMIT;
        self.interrupt_while(state, Some(deadline), |state| {
            state.running && !state.stopping && state.answered < asked
        });
    }

    fn interrupt_while(
        &self,
        mut state: MutexGuard<'_, State>,
        deadline: Option<Instant>,
        goes_on: impl Fn(&State) -> bool,
    ) {
        if let Some(wake) = &self.wake {
            // It fails only when it is readable already.
            let _ = rustix::io::write(wake, &1_u64.to_ne_bytes());
        }
        while goes_on(&state) && deadline.is_none_or(|deadline| Instant::now() < deadline) {
            if let Some(context) = &state.context {
                // An error means that the service is gone, and then nothing waits for it.
                let _ = context.cancel();
            }
            (state, _) = self.changed.wait_timeout(state, REPEAT).ignore_poison();
        }
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.state().stopping
    }

    /// The thread is to stop, or to look.
    pub(super) fn is_wanted(&self) -> bool {
        let state = self.state();
        state.stopping || state.answered < state.asked
    }

    /// How many looks were asked for until now: before a look begins, for [`Interrupt::answer`] after it.
    pub(super) fn asked(&self) -> u64 {
        let state = self.state();
        if let Some(wake) = self.wake.as_ref().filter(|_| !state.stopping) {
            // It fails only when it is not readable.
            let _ = rustix::io::read(wake, &mut [0; 8]);
        }
        state.asked
    }

    /// A look that began when so many were asked for has been reported.
    pub(super) fn answer(&self, asked: u64) {
        self.state().answered = asked;
        self.changed.notify_all();
    }

    /// Which context has to be cancelled.
    pub(super) fn blocks_in(&self, context: Option<Context>) {
        let before = std::mem::replace(&mut self.state().context, context);
        drop(before);
    }

    pub(super) fn wake(&self) -> Option<BorrowedFd<'_>> {
        self.wake.as_ref().map(AsFd::as_fd)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().ignore_poison()
    }
}

/// As long as it lives, [`Interrupt::stop`] waits.
pub(super) struct Running<'i>(&'i Interrupt);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.blocks_in(None);
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
    fn a_look_is_over_when_one_that_began_after_it_was_answered() {
        let interrupt = Interrupt::new();
        let looks = AtomicU32::new(0);
        // Nothing runs, so there is nothing to wait for.
        interrupt.look();
        thread::scope(|scope| {
            let running = interrupt.begin().unwrap();
            scope.spawn(|| {
                let running = running;
                while !running.0.is_stopping() {
                    let asked = running.0.asked();
                    looks.fetch_add(1, Ordering::SeqCst);
                    running.0.answer(asked);
                    while !running.0.is_wanted() {
                        thread::yield_now();
                    }
                }
            });
            for _ in 0..100 {
                let before = looks.load(Ordering::SeqCst);
                interrupt.look();
                assert!(looks.load(Ordering::SeqCst) > before);
            }
            interrupt.stop();
        });
    }
}
