//! The supervision on a manual clock.

use tokio::sync::mpsc;

use super::*;
use crate::clock::ManualClock;

const LIMIT: Duration = Duration::from_secs(8);

struct Rig {
    activity: Arc<Activity>,
    clock: Arc<ManualClock>,
    events: mpsc::UnboundedReceiver<Event>,
}

impl Rig {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::at(Duration::ZERO));
        let (sink, events) = mpsc::unbounded_channel();
        let sink: EventSink = Arc::new(move |event| drop(sink.send(event)));
        let activity = Arc::new(Activity::new(clock.clone(), sink));
        tokio::spawn(Arc::clone(&activity).supervise());
        Self { activity, clock, events }
    }

    async fn pass(&self, time: Duration) {
        self.clock.wait_for_sleeper(time).await;
        self.clock.advance(time);
    }
}

#[tokio::test]
async fn a_transaction_over_its_limit_is_stuck_until_its_job_ends() {
    let mut rig = Rig::new();
    assert!(rig.activity.job_queued(LIMIT) && !rig.activity.job_queued(LIMIT));
    rig.activity.transaction_begun();
    rig.pass(LIMIT).await;
    assert!(matches!(rig.events.recv().await, Some(Event::Stuck)));
    rig.activity.job_queued(LIMIT);
    rig.activity.job_dropped();
    assert!(
        *rig.activity.stuck().borrow() && rig.events.try_recv().is_err(),
        "a dropped job changes nothing"
    );
    rig.activity.job_ended();
    assert!(matches!(rig.events.recv().await, Some(Event::Revived)));
    assert!(!*rig.activity.stuck().borrow());
    rig.activity.job_begun(LIMIT);
    rig.activity.transaction_begun();
    rig.pass(LIMIT).await;
    assert!(matches!(rig.events.recv().await, Some(Event::Stuck)), "the next job is supervised, too");
}

/// A reader or a token may be slow, for example a contactless one with many credentials.
#[tokio::test]
async fn a_token_that_goes_on_answering_is_not_stuck() {
    let mut rig = Rig::new();
    rig.activity.job_queued(LIMIT);
    rig.activity.transaction_begun();
    rig.clock.wait_for_sleeper(LIMIT).await;
    for _ in 0..20 {
        rig.clock.advance(LIMIT / 4);
        rig.activity.exchanged();
    }
    tokio::time::timeout(Duration::from_secs(60), rig.clock.wait_for_sleeper(LIMIT)).await.unwrap();
    assert!(rig.events.try_recv().is_err());
    rig.clock.advance(LIMIT);
    assert!(matches!(rig.events.recv().await, Some(Event::Stuck)), "the next answer did not come");
}

#[tokio::test]
async fn the_supervision_of_a_token_that_has_gone_waits_for_no_clock() {
    let clock = Arc::new(ManualClock::at(Duration::ZERO));
    let activity = Arc::new(Activity::new(clock.clone(), Arc::new(drop)));
    let supervision = tokio::spawn(Arc::clone(&activity).supervise());
    activity.job_queued(LIMIT);
    clock.wait_for_sleeper(LIMIT).await;
    activity.job_ended();
    activity.ended();
    tokio::time::timeout(Duration::from_secs(60), supervision).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_token_that_another_program_holds_is_reported_once() {
    let mut rig = Rig::new();
    rig.activity.job_queued(LIMIT);
    rig.pass(LIMIT).await;
    assert!(matches!(rig.events.recv().await, Some(Event::Held)));
    for _ in 0..3 {
        rig.pass(LIMIT).await;
    }
    rig.clock.wait_for_sleeper(LIMIT).await;
    assert!(rig.events.try_recv().is_err());
    rig.activity.transaction_begun();
    rig.pass(LIMIT).await;
    assert!(matches!(rig.events.recv().await, Some(Event::Stuck)), "a held token can hang as well");
}

#[tokio::test]
async fn a_worker_that_begins_its_job_late_does_not_begin_its_time_limit_again() {
    let mut rig = Rig::new();
    rig.activity.job_queued(LIMIT);
    rig.clock.wait_for_sleeper(LIMIT).await;
    rig.clock.advance(LIMIT);
    rig.activity.job_begun(LIMIT);
    let event = tokio::time::timeout(Duration::from_secs(60), rig.events.recv()).await;
    assert!(matches!(event, Ok(Some(Event::Held))), "{event:?}");
}

#[tokio::test]
async fn the_time_limit_of_a_job_counts_since_the_end_of_the_job_before() {
    let mut rig = Rig::new();
    rig.activity.job_queued(LIMIT);
    rig.activity.job_begun(LIMIT);
    rig.activity.job_queued(LIMIT);
    rig.clock.wait_for_sleeper(LIMIT).await;
    rig.clock.advance(LIMIT / 2);
    rig.activity.job_ended();
    rig.activity.job_begun(LIMIT);
    rig.pass(LIMIT / 2).await;
    let second = rig.clock.wait_for_sleeper(LIMIT / 2);
    tokio::time::timeout(Duration::from_secs(60), second).await.unwrap();
    assert!(rig.events.try_recv().is_err());
}

#[tokio::test]
async fn an_answered_caller_and_a_moved_clock_are_no_hanging_token() {
    let mut rig = Rig::new();
    rig.activity.job_queued(LIMIT);
    rig.activity.transaction_begun();
    rig.activity.answered();
    rig.clock.wait_for_sleeper(LIMIT).await;
    rig.clock.advance(Duration::from_secs(30));
    rig.clock.wait_for_sleeper(LIMIT).await;
    assert!(rig.events.try_recv().is_err());
    rig.clock.advance(LIMIT);
    assert!(matches!(rig.events.recv().await, Some(Event::Stuck)), "but its end can hang");
}

#[tokio::test]
async fn short_transactions_are_not_added_up() {
    let mut rig = Rig::new();
    rig.activity.job_queued(Duration::from_secs(40));
    for _ in 0..10 {
        rig.activity.transaction_begun();
        rig.clock.advance(Duration::from_secs(30));
        rig.activity.transaction_ended();
    }
    rig.clock.wait_for_sleeper(Duration::from_secs(40)).await;
    rig.activity.ended();
    assert!(rig.events.try_recv().is_err());
}
