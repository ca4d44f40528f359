//! A job in the queue, and its count.

use super::activity::Activity;
use super::queue::Place;
use super::worker::Job;

/// The job of a caller. It leaves the queue when the caller has its answer or cancels the request.
pub(super) struct Queued<'a> {
    pub(super) place: Place<Job>,
    pub(super) activity: &'a Activity,
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        if self.place.leave() {
            self.activity.job_dropped();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::clock::ManualClock;
    use crate::token::{TRANSACTION_LIMIT, queue};

    /// Otherwise the token would seem to be busy, and then stuck, after each cancelled request.
    #[tokio::test]
    async fn a_job_that_leaves_the_queue_is_no_longer_counted() {
        let clock = Arc::new(ManualClock::at(Duration::ZERO));
        let activity = Activity::new(clock, Arc::new(|_| {}));
        let (jobs, _inbox) = queue::queue(1);
        assert!(activity.job_queued(TRANSACTION_LIMIT));
        let place = jobs.send(Job::new(TRANSACTION_LIMIT, |_| {})).ok().unwrap();
        drop(Queued { place, activity: &activity });
        assert!(activity.job_queued(TRANSACTION_LIMIT), "the next job is again the only one");
    }
}
