//! Missing responses: a request that may have arrived counts as arrived.

use std::time::Duration;

use oathbridge::cognito::{Delivered, ErrorKind, Settings};
use testkit::fake_cognito::{Fault, Plan};

use crate::rig::{Rig, patient, verdict};

#[tokio::test]
async fn a_dropped_connection_leaves_the_outcome_unknown_and_nothing_is_sent_again() {
    for (fault, processed) in [(Fault::DropBefore, false), (Fault::DropAfter, true)] {
        let rig = Rig::new();
        rig.fake.fail(fault);
        let error = rig.failure(&rig.client(), &rig.token()).await;
        assert_eq!(verdict(&error), (ErrorKind::OutcomeUnknown, Delivered::Unknown));
        assert_eq!((rig.arrived(), rig.fake.log()[0].processed), (1, processed));
    }
}

#[tokio::test]
async fn silence_ends_with_the_request_timeout() {
    let rig = Rig::new();
    rig.fake.fail(Fault::Silence);
    // Long enough for a busy machine to send the code.
    let (connect_timeout, request_timeout) = (Duration::from_secs(9), Duration::from_secs(10));
    let settings = Settings { connect_timeout, request_timeout, ..patient() };
    let error = rig.failure(&rig.client_at(&rig.fake.url(), &settings), &rig.token()).await;
    assert_eq!(verdict(&error), (ErrorKind::OutcomeUnknown, Delivered::Unknown));
    assert_eq!(rig.arrived(), 1);
}

#[tokio::test]
async fn a_late_answer_in_time_counts() {
    let rig = Rig::new();
    rig.fake.plan(Plan { delay_ms: 200, ..Plan::default() });
    rig.verify(&rig.token()).await.result.unwrap();
}
