//! The caller of a job.

use std::sync::{Arc, Mutex};

use tokio::sync::{oneshot, watch};

use super::activity::Activity;
use super::{Error, Stage, TOUCH_TRANSACTION_LIMIT};
use crate::device::Progress;
use crate::sync::IgnorePoison;

/// The caller of a job, which gets the progress and one answer.
pub(super) struct Caller<T> {
    /// `None` after the answer.
    reply: Mutex<Option<oneshot::Sender<Result<T, Error>>>>,
    stage: watch::Sender<Stage>,
    activity: Arc<Activity>,
}

impl<T> Caller<T> {
    /// A caller, and the receiver of its answer.
    pub(super) fn new(
        stage: watch::Sender<Stage>,
        activity: Arc<Activity>,
    ) -> (Self, oneshot::Receiver<Result<T, Error>>) {
        let (reply, answer) = oneshot::channel();
        (Self { reply: Mutex::new(Some(reply)), stage, activity }, answer)
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
        self.activity.answered();
        self.answer(Ok(result));
    }

    /// Reports the progress.
    pub(super) fn enter(&self, stage: Stage) {
        self.stage.send_if_modified(|now| std::mem::replace(now, stage) != stage);
    }
}

impl<T: Send> Progress for Caller<T> {
    fn touch_needed(&self) {
        self.activity.extend(TOUCH_TRANSACTION_LIMIT);
        self.enter(Stage::TouchNeeded);
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
