//! The caller of a job.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use tokio::sync::{oneshot, watch};

use super::activity::Activity;
use super::hidden_touch::HiddenTouch;
use super::{Error, Stage, TOUCH_TRANSACTION_LIMIT};
use crate::device::Progress;
use crate::sync::IgnorePoison;

/// The caller of a job, which gets the progress and one answer.
pub(super) struct Caller<T> {
    /// `None` after the answer.
    reply: Mutex<Option<oneshot::Sender<Result<T, Error>>>>,
    notice: Notice,
}

/// The way from the worker to the caller while the token works. Clones share it.
#[derive(Clone)]
pub(super) struct Notice {
    stage: watch::Sender<Stage>,
    activity: Arc<Activity>,
    hidden_touch: HiddenTouch,
}

impl Notice {
    /// Reports that the token waits for a touch.
    fn touch_needed(&self) {
        self.activity.extend(TOUCH_TRANSACTION_LIMIT);
        self.enter(Stage::TouchNeeded);
    }

    fn enter(&self, stage: Stage) {
        self.stage.send_if_modified(|now| std::mem::replace(now, stage) != stage);
    }

    /// Reports the touches that the token does not tell of. Never returns.
    pub(super) async fn watch(&self) -> Infallible {
        self.hidden_touch.watch(self.activity.clock(), || self.touch_needed()).await
    }
}

impl<T> Caller<T> {
    /// A caller, and the receiver of its answer.
    pub(super) fn new(
        stage: watch::Sender<Stage>,
        activity: Arc<Activity>,
    ) -> (Self, oneshot::Receiver<Result<T, Error>>) {
        let (reply, answer) = oneshot::channel();
        let notice = Notice { stage, activity, hidden_touch: HiddenTouch::default() };
        (Self { reply: Mutex::new(Some(reply)), notice }, answer)
    }

    /// The way to this caller, which the caller watches while it waits.
    pub(super) fn notice(&self) -> Notice {
        self.notice.clone()
    }

    /// Answers. Only the first answer reaches the caller.
    pub(super) fn answer(&self, result: Result<T, Error>) {
        if let Some(reply) = self.reply.lock().ignore_poison().take() {
            // An error means that the caller has cancelled the request meanwhile.
            let _ = reply.send(result);
        }
    }

    /// Answers within a transaction, which then ends without the caller.
    pub(super) fn answer_early(&self, result: T) {
        self.notice.activity.answered();
        self.answer(Ok(result));
    }

    /// Reports the progress.
    pub(super) fn enter(&self, stage: Stage) {
        self.notice.enter(stage);
    }
}

impl<T: Send> Progress for Caller<T> {
    fn touch_needed(&self) {
        self.notice.touch_needed();
    }

    fn touch_possible(&self, is_possible: bool) {
        let now = self.notice.activity.clock().monotonic();
        self.notice.hidden_touch.set(is_possible.then_some(now));
    }

    fn is_cancelled(&self) -> bool {
        self.reply.lock().ignore_poison().as_ref().is_some_and(oneshot::Sender::is_closed)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::sync::mpsc;

    use super::*;
    use crate::clock::ManualClock;
    use crate::token::{Event, TRANSACTION_LIMIT};

    /// For example, another program has set a PIN since the token was read.
    #[tokio::test]
    async fn a_token_that_waits_for_an_unexpected_touch_does_not_hang() {
        let clock = Arc::new(ManualClock::at(Duration::ZERO));
        let (sink, mut events) = mpsc::unbounded_channel();
        let activity = Arc::new(Activity::new(clock.clone(), Arc::new(move |event| drop(sink.send(event)))));
        tokio::spawn(Arc::clone(&activity).supervise());
        let (caller, _answer) = Caller::<()>::new(watch::Sender::default(), Arc::clone(&activity));
        activity.job_queued(TRANSACTION_LIMIT);
        activity.transaction_begun();
        clock.wait_for_sleeper(TRANSACTION_LIMIT).await;
        caller.touch_needed();
        clock.advance(TRANSACTION_LIMIT);
        let left = TOUCH_TRANSACTION_LIMIT - TRANSACTION_LIMIT;
        tokio::select! {
            () = clock.wait_for_sleeper(left) => {}
            event = events.recv() => panic!("{event:?}"),
        }
        clock.advance(left);
        assert!(matches!(events.recv().await, Some(Event::Stuck)));
    }
}
