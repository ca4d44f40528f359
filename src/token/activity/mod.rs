//! The activity of a worker, and its supervision: a token that hangs is detected. A job that does not hang wakes nothing.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::{Notify, watch};

use super::{Event, EventSink};
use crate::clock::Clock;
use crate::sync::IgnorePoison;

/// What a worker is doing at the moment.
pub(super) struct Activity {
    state: Mutex<State>,
    /// Notified when a job is queued for an idle worker, and when the worker has ended.
    changed: Notify,
    /// Notified when the worker has ended.
    over: Notify,
    stuck: watch::Sender<bool>,
    clock: Arc<dyn Clock>,
    events: EventSink,
}

#[derive(Default)]
struct State {
    /// The number of jobs that run or are queued.
    jobs: usize,
    /// The phase of the running job; without a job, the last one.
    phase: Phase,
    /// Whether the phase began when a job was queued for the idle worker, which has not begun it.
    is_next_queued: bool,
    has_ended: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Phase {
    kind: Kind,
    /// The beginning or, in a transaction, the last answer of the token, by monotonic time.
    since: Duration,
    /// The maximum time since then.
    limit: Duration,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Kind {
    /// Outside of a transaction. Another program may hold the token.
    #[default]
    Waiting,
    /// In a transaction: the token is to answer.
    Transaction,
    /// In a transaction whose result the caller already has.
    Ending,
}

impl Activity {
    pub(super) fn new(clock: Arc<dyn Clock>, events: EventSink) -> Self {
        let stuck = watch::Sender::new(false);
        Self { state: Mutex::default(), changed: Notify::new(), over: Notify::new(), stuck, clock, events }
    }

    /// The clock of all times here.
    pub(super) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// Whether the token hangs.
    pub(super) fn stuck(&self) -> watch::Receiver<bool> {
        self.stuck.subscribe()
    }

    /// Counts a queued job, in whose transaction the token may take `limit` for an answer. Returns whether it runs at once.
    pub(super) fn job_queued(&self, limit: Duration) -> bool {
        let mut state = self.state();
        state.jobs += 1;
        let runs = state.jobs == 1;
        if runs {
            state.phase = self.phase(Kind::Waiting, limit);
            state.is_next_queued = true;
            self.changed.notify_one();
        }
        runs
    }

    /// The worker begins a job. The time of a job for an idle worker counts since it was queued.
    pub(super) fn job_begun(&self, limit: Duration) {
        let mut state = self.state();
        let phase = self.phase(Kind::Waiting, limit);
        let is_queued = std::mem::take(&mut state.is_next_queued);
        state.phase = if is_queued { Phase { since: state.phase.since, ..phase } } else { phase };
    }

    /// A job that [`Activity::job_queued`] counted never runs: the queue is full, or the caller has left. A token that hangs
    /// still hangs.
    pub(super) fn job_dropped(&self) {
        self.state().jobs -= 1;
    }

    /// The job is over. If the token hung, it no longer does.
    pub(super) fn job_ended(&self) {
        let mut state = self.state();
        state.jobs -= 1;
        if self.stuck.send_if_modified(std::mem::take) {
            // Under the lock, so that it follows the event of the supervision.
            (self.events)(Event::Revived);
        }
    }

    pub(super) fn transaction_begun(&self) {
        self.enter(Kind::Transaction);
    }

    /// The token has answered a command, so it does not hang: the next answer may take the whole limit again.
    pub(super) fn exchanged(&self) {
        let now = self.clock.monotonic();
        let mut state = self.state();
        if state.phase.kind != Kind::Waiting {
            state.phase.since = now;
        }
    }

    /// The token may take `limit` for an answer, because it waits for a touch that was not expected.
    pub(super) fn extend(&self, limit: Duration) {
        let mut state = self.state();
        state.phase.limit = state.phase.limit.max(limit);
    }

    /// The caller has its result.
    pub(super) fn answered(&self) {
        self.enter(Kind::Ending);
    }

    pub(super) fn transaction_ended(&self) {
        self.enter(Kind::Waiting);
    }

    /// The worker has ended.
    pub(super) fn ended(&self) {
        self.state().has_ended = true;
        self.changed.notify_one();
        self.over.notify_one();
    }

    /// Sends [`Event::Stuck`] when a token takes longer than its limit for an answer, and [`Event::Held`] when it takes as long until one
    /// begins. Returns when the worker has ended.
    pub(super) async fn supervise(self: Arc<Self>) {
        let mut seen = None;
        while !self.state().has_ended {
            let Some(phase) = self.running() else {
                self.changed.notified().await;
                continue;
            };
            let left = phase.limit.saturating_sub(self.clock.monotonic().saturating_sub(phase.since));
            if !left.is_zero() {
                self.pause(left).await;
                continue;
            }
            let is_new = seen.replace(phase) != Some(phase);
            match phase.kind {
                Kind::Transaction => self.declare_stuck(phase),
                // Only in the second look: a manual clock may have moved between the answer and the end.
                Kind::Ending if !is_new => self.declare_stuck(phase),
                Kind::Waiting if is_new => (self.events)(Event::Held),
                Kind::Waiting | Kind::Ending => {}
            }
            if *self.stuck.borrow() {
                // This borrows the sender, so waiting cannot fail.
                let _ = self.stuck().wait_for(|stuck| !stuck).await;
            } else {
                self.pause(phase.limit).await;
            }
        }
    }

    /// Waits for this time, or until the worker has ended. Another job ends no wait.
    async fn pause(&self, time: Duration) {
        tokio::select! {
            () = self.clock.sleep(time) => {}
            () = self.over.notified() => {}
        }
    }

    fn declare_stuck(&self, phase: Phase) {
        let state = self.state();
        // The phase may have ended meanwhile.
        if state.jobs > 0 && state.phase == phase {
            self.stuck.send_replace(true);
            (self.events)(Event::Stuck);
        }
    }

    fn running(&self) -> Option<Phase> {
        let state = self.state();
        (state.jobs > 0).then_some(state.phase)
    }

    fn enter(&self, kind: Kind) {
        let mut state = self.state();
        state.phase = self.phase(kind, state.phase.limit);
    }

    fn phase(&self, kind: Kind, limit: Duration) -> Phase {
        Phase { kind, since: self.clock.monotonic(), limit }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().ignore_poison()
    }
}

#[cfg(test)]
mod tests;
