//! The caller of a job.

use std::sync::{Arc, Mutex};

use tokio::sync::{oneshot, watch};

use super::activity::Activity;
use super::{Error, Stage};
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
        self.enter(Stage::TouchNeeded);
    }

    fn is_cancelled(&self) -> bool {
        self.reply.lock().ignore_poison().as_ref().is_some_and(oneshot::Sender::is_closed)
    }
}
