//! VerifySoftwareToken: when and how often codes are sent.

use std::time::Duration;

use oathbridge::cognito::{Delivered, EndpointUrl, ErrorKind};
use oathbridge::flows::Error;
use testkit::fake_cognito::{Fault, Plan, Reuse};

use super::rig::{Rig, STEP, STEP_START, Verification, seconds};

/// Port 1 is reserved, and no server listens there.
const NOBODY: &str = "http://127.0.0.1:1";

fn kind(verification: Verification) -> ErrorKind {
    match verification.result.unwrap_err() {
        Error::Cognito(error) => error.kind,
        other => panic!("not Cognito's: {other:?}"),
    }
}

#[tokio::test]
async fn a_code_goes_out_in_its_own_step() {
    let rig = Rig::start(seconds(5)).await;
    let reply = rig.verify(&rig.verify_request("alice", seconds(22))).await;
    assert!(reply.result.is_ok());
    assert_eq!((reply.details.attempts, rig.submitted()), (1, vec![STEP]));
    assert_eq!(rig.cognito.log()[0].device_name.as_deref(), Some("YubiKey 5 5678"));
}

#[tokio::test]
async fn with_less_than_three_seconds_left_the_request_waits_for_the_next_step() {
    let rig = Rig::start(Duration::from_millis(27_001)).await;
    let request = rig.verify_request("alice", seconds(22));
    let (reply, ()) = tokio::join!(rig.verify(&request), rig.pass(Duration::from_millis(2_999)));
    assert_eq!((reply.details.attempts, rig.submitted()), (1, vec![STEP + 1]));
}

#[tokio::test]
async fn exactly_three_seconds_are_enough() {
    let rig = Rig::start(seconds(27)).await;
    rig.verify(&rig.verify_request("alice", seconds(22))).await.result.unwrap();
    assert_eq!(rig.submitted(), [STEP]);
}

#[tokio::test]
async fn a_second_request_waits_for_the_next_step() {
    let rig = Rig::start(seconds(20)).await;
    rig.verify(&rig.verify_request("alice", seconds(22))).await.result.unwrap();
    let request = rig.verify_request("alice", seconds(22));
    let (reply, ()) = tokio::join!(rig.verify(&request), rig.pass(seconds(10)));
    reply.result.unwrap();
    assert_eq!(rig.submitted(), [STEP, STEP + 1]);
}

#[tokio::test]
async fn a_step_that_opens_eight_seconds_before_the_deadline_is_the_last() {
    let rig = Rig::start(seconds(20)).await;
    rig.verify(&rig.verify_request("alice", seconds(22))).await.result.unwrap();

    let too_late = rig.verify_request("alice", Duration::from_millis(17_999));
    let error = rig.verify(&too_late).await.result.unwrap_err();
    assert_eq!(error, Error::StepSpent { opens: seconds(STEP_START + 30) });

    let in_time = rig.verify_request("alice", seconds(18));
    let (reply, ()) = tokio::join!(rig.verify(&in_time), rig.pass(seconds(10)));
    reply.result.unwrap();
    assert_eq!(rig.submitted(), [STEP, STEP + 1]);
}

#[tokio::test]
async fn two_requests_at_once_submit_different_steps() {
    let rig = Rig::start(seconds(20)).await;
    let (first, second) =
        (rig.verify_request("alice", seconds(60)), rig.verify_request("alice", seconds(60)));
    let time_passes = async {
        // The request of the current step has left in its step.
        while rig.submitted().is_empty() {
            tokio::task::yield_now().await;
        }
        rig.pass(seconds(10)).await;
    };
    let (one, two, ()) = tokio::join!(rig.verify(&first), rig.verify(&second), time_passes);
    assert!(one.result.is_ok() && two.result.is_ok());
    assert_eq!(rig.submitted(), [STEP, STEP + 1]);
}

/// The two credentials have the same seed, which only their equal codes reveal.
#[tokio::test]
async fn the_same_code_is_never_sent_twice_in_a_step() {
    let rig = Rig::start(seconds(20)).await;
    rig.verify(&rig.verify_request("alice", seconds(22))).await.result.unwrap();
    let request = rig.verify_request("touched", seconds(60));
    let touch = async {
        let card = rig.card.clone();
        let asked = tokio::task::spawn_blocking(move || card.wait_until_it_wants_a_touch(seconds(60)));
        assert!(asked.await.unwrap());
        rig.card.touch();
        rig.pass(seconds(10)).await;
        let card = rig.card.clone();
        let asked = tokio::task::spawn_blocking(move || card.wait_until_it_wants_a_touch(seconds(60)));
        assert!(asked.await.unwrap());
        rig.card.touch();
    };
    let (reply, ()) = tokio::join!(rig.verify(&request), touch);
    reply.result.unwrap();
    assert_eq!(rig.submitted(), [STEP, STEP + 1]);
}

#[tokio::test]
async fn with_early_next_step_the_next_step_is_submitted_early() {
    let rig = Rig::start(seconds(5)).await;
    let mut request = rig.verify_request("alice", seconds(22));
    request.submission.policy.early_next_step = true;
    rig.verify(&request).await.result.unwrap();
    rig.verify(&request).await.result.unwrap();
    assert_eq!(rig.submitted(), [STEP, STEP + 1]);
    let error = rig.verify(&request).await.result.unwrap_err();
    assert_eq!(error, Error::StepSpent { opens: seconds(STEP_START + 60) });
}

#[tokio::test]
async fn after_a_refused_code_one_more_is_sent_and_no_third() {
    for reuse in [Reuse::Expired, Reuse::EnableMfa, Reuse::StatusError] {
        let rig = Rig::start(seconds(20)).await;
        rig.cognito.set_reuse(reuse);
        rig.cognito.plan(Plan {
            fault: Fault::exception("CodeMismatchException", "no"),
            count: 2,
            ..Plan::default()
        });
        let request = rig.verify_request("alice", seconds(60));
        let (result, ()) = tokio::join!(rig.verify(&request), rig.pass(seconds(10)));
        assert_eq!(kind(result), ErrorKind::CodeMismatch);
        assert_eq!(rig.submitted(), [STEP, STEP + 1]);
    }
}

/// The code of this step was already used on another machine.
#[tokio::test]
async fn after_a_used_code_the_next_one_is_sent() {
    for reuse in [Reuse::Expired, Reuse::EnableMfa, Reuse::StatusError] {
        let elsewhere = Rig::start(seconds(20)).await;
        elsewhere.cognito.set_reuse(reuse);
        elsewhere.verify(&elsewhere.verify_request("alice", seconds(22))).await.result.unwrap();

        let here = Rig::start(seconds(20)).await;
        let mut request = here.verify_request("alice", seconds(60));
        request.submission.endpoint =
            elsewhere.verify_request("alice", seconds(60)).submission.endpoint.clone();
        request.authorization = elsewhere.verify_request("alice", seconds(60)).authorization.clone();
        let both_clocks = async {
            here.clock.wait_for_sleeper(seconds(10)).await;
            elsewhere.clock.advance(seconds(10));
            here.clock.advance(seconds(10));
        };
        let (reply, ()) = tokio::join!(here.verify(&request), both_clocks);
        assert_eq!(reply.details.attempts, 2, "{reuse:?}");
        assert_eq!(elsewhere.submitted(), [STEP, STEP, STEP + 1]);
    }
}

#[tokio::test]
async fn without_time_for_a_second_attempt_the_first_error_is_returned() {
    let rig = Rig::start(seconds(5)).await;
    rig.cognito.fail(Fault::exception("CodeMismatchException", "no"));
    assert_eq!(kind(rig.verify(&rig.verify_request("alice", seconds(22))).await), ErrorKind::CodeMismatch);
    assert_eq!(rig.submitted(), [STEP]);
}

#[tokio::test]
async fn with_max_attempts_one_there_is_one_attempt() {
    let rig = Rig::start(seconds(20)).await;
    rig.cognito.fail(Fault::exception("CodeMismatchException", "no"));
    let mut request = rig.verify_request("alice", seconds(60));
    request.submission.policy.max_attempts = 1;
    assert_eq!(kind(rig.verify(&request).await), ErrorKind::CodeMismatch);
    assert_eq!(rig.submitted(), [STEP]);
}

#[tokio::test]
async fn an_unknown_outcome_stays_unknown_after_a_later_error() {
    let rig = Rig::start(seconds(20)).await;
    rig.cognito.fail(Fault::DropAfter);
    let mut request = rig.verify_request("alice", seconds(60));
    request.authorization = rig.session();
    let (result, ()) = tokio::join!(rig.verify(&request), rig.pass(seconds(10)));
    // The first submission used up the session, so SessionConsumed for the second one does not prove a failure.
    let Err(Error::Cognito(error)) = result.result else { panic!("another failure") };
    assert_eq!((error.kind, error.delivered), (ErrorKind::OutcomeUnknown, Delivered::Unknown));
    assert_eq!(rig.submitted(), [STEP, STEP + 1]);
}

#[tokio::test]
async fn after_a_lost_answer_a_second_code_succeeds() {
    for fault in [Fault::DropBefore, Fault::DropAfter, Fault::InternalErrorAfter] {
        let rig = Rig::start(seconds(20)).await;
        rig.cognito.fail(fault);
        let request = rig.verify_request("alice", seconds(60));
        let (reply, ()) = tokio::join!(rig.verify(&request), rig.pass(seconds(10)));
        assert_eq!(reply.details.attempts, 2);
        assert_eq!(rig.submitted(), [STEP, STEP + 1]);
    }
}

/// A caller can rely on an error that means that nothing was sent.
#[tokio::test]
async fn a_second_attempt_that_was_not_sent_does_not_hide_the_first() {
    let rig = Rig::start(seconds(20)).await;
    rig.cognito.fail(Fault::exception("CodeMismatchException", "no"));
    let mut request = rig.verify_request("alice", seconds(60));
    let Rig { clock, hands, cognito, state: _state, .. } = rig;
    request.submission.policy.settings.connect_timeout = seconds(1);
    let outage = async {
        clock.wait_for_sleeper(seconds(10)).await;
        drop(cognito);
        clock.advance(seconds(10));
    };
    let (result, ()) = tokio::join!(hands.verify(&request), outage);
    assert_eq!(kind(result), ErrorKind::CodeMismatch);
}

#[tokio::test]
async fn a_request_that_was_not_sent_spends_no_step() {
    let rig = Rig::start(seconds(5)).await;
    let mut request = rig.verify_request("alice", seconds(22));
    let reachable = request.submission.endpoint.url.replace(EndpointUrl::parse(NOBODY).unwrap());
    assert_eq!(kind(rig.verify(&request).await), ErrorKind::Network);
    request.submission.endpoint.url = reachable;
    rig.verify(&request).await.result.unwrap();
    assert_eq!(rig.submitted(), [STEP]);
}

#[tokio::test]
async fn an_unsupported_credential_is_refused_with_the_reason() {
    let rig = Rig::start(seconds(5)).await;
    for (account, reason) in [("counting", "time-based"), ("eight", "8 digits")] {
        let error = rig.verify(&rig.verify_request(account, seconds(22))).await.result.unwrap_err();
        assert!(matches!(&error, Error::Unsupported(why) if why.contains(reason)), "{error:?}");
    }
    assert!(rig.cognito.log().is_empty());
}

#[tokio::test]
async fn after_a_late_touch_a_new_code_and_touch_are_requested() {
    let rig = Rig::start(seconds(20)).await;
    let request = rig.verify_request("touched", seconds(60));
    let person = async {
        for pause in [seconds(10), Duration::ZERO] {
            rig.until_it_wants_a_touch().await;
            rig.clock.advance(pause);
            rig.card.touch();
        }
    };
    let (reply, ()) = tokio::join!(rig.verify(&request), person);
    assert_eq!((reply.details.attempts, rig.submitted()), (1, vec![STEP + 1]));
}

#[tokio::test]
async fn a_request_waits_for_a_touch_until_nine_seconds_before_the_deadline() {
    let rig = Rig::start(seconds(5)).await;
    let request = rig.verify_request("touched", seconds(22));
    let time_passes = async {
        rig.until_it_wants_a_touch().await;
        rig.pass(seconds(13)).await;
    };
    let (result, ()) = tokio::join!(rig.verify(&request), time_passes);
    assert_eq!(result.result.unwrap_err(), Error::Token(oathbridge::token::Error::TouchTimeout));
    assert!(rig.cognito.log().is_empty());
}
