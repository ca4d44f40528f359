//! SELECT_MFA_TYPE: the choice contains no code, and is sent only if a code can follow.

use std::time::Duration;

use oathbridge::cognito::{ErrorKind, Responded};
use oathbridge::flows::Error;
use oathbridge::operations::{Cancellation, Kind};
use oathbridge::token;
use testkit::fake_cognito::Fault;

use super::rig::{Rig, STEP, STEP_START, limited, seconds};

#[tokio::test]
async fn the_choice_is_followed_by_a_code() {
    let rig = Rig::start(seconds(5)).await;
    let response = rig.respond(&rig.choice_request("alice", seconds(22))).await;
    assert!(matches!(response.result, Ok(Responded::Tokens(_))), "{response:?}");
    assert_eq!((response.details.attempts, rig.submitted()), (1, vec![STEP]));
    assert_eq!(rig.cognito.log().len(), 2);
}

/// The outcome of the choice is unknown, but no code was sent.
#[tokio::test]
async fn after_a_lost_answer_to_the_choice_no_code_counts_as_sent() {
    for fault in [Fault::DropBefore, Fault::DropAfter, Fault::InternalErrorAfter, Fault::Garbage] {
        let rig = Rig::start(seconds(5)).await;
        rig.cognito.fail(fault.clone());
        let request = rig.choice_request("alice", seconds(60));
        let response = rig.respond(&request).await;
        assert_eq!(response.details.attempts, 0, "{fault:?}");
        assert!(matches!(response.result, Err(Error::ChoiceUnknown(_))), "{fault:?}: {response:?}");
        assert_eq!(rig.cognito.log().len(), 1, "{fault:?}");
        // The step is still unspent.
        rig.respond(&rig.choice_request("alice", seconds(22))).await.result.unwrap();
        assert_eq!(rig.submitted(), [STEP]);
    }
}

#[tokio::test]
async fn a_refused_choice_returns_its_error_and_no_code_is_sent() {
    let rig = Rig::start(seconds(5)).await;
    for (message, expected) in [
        ("Invalid session for the user, session is expired.", ErrorKind::SessionExpired),
        ("Invalid session for the user, session can only be used once.", ErrorKind::SessionConsumed),
    ] {
        rig.cognito.fail(Fault::exception("NotAuthorizedException", message));
        let response = rig.respond(&rig.choice_request("alice", seconds(60))).await;
        assert_eq!((response.details.attempts, response.kind()), (0, expected));
    }
    assert!(rig.submitted().is_empty());
    rig.respond(&rig.challenge_request("alice", seconds(22))).await.result.unwrap();
}

#[tokio::test]
async fn after_a_refused_code_the_next_one_is_sent_with_the_new_session() {
    let rig = Rig::start(seconds(20)).await;
    // The first plan applies to the choice.
    rig.cognito.fail(Fault::None);
    rig.cognito.fail(Fault::exception("ExpiredCodeException", ""));
    let request = rig.choice_request("alice", seconds(60));
    let (response, ()) = tokio::join!(rig.respond(&request), rig.pass(seconds(10)));
    assert!(matches!(response.result, Ok(Responded::Tokens(_))), "{response:?}");
    assert_eq!((response.details.attempts, rig.submitted()), (2, vec![STEP, STEP + 1]));
    assert_eq!(rig.cognito.log().len(), 3);
}

#[tokio::test]
async fn a_cancellation_between_the_choice_and_the_code_sends_no_code() {
    let rig = Rig::start(seconds(28)).await;
    let request = rig.choice_request("alice", seconds(60));
    let operation = rig.hands.begin(Kind::RespondToMfaChallenge, &request);
    let caller = async {
        limited(Box::pin(rig.clock.wait_for_sleeper(seconds(2)))).await;
        assert_eq!(rig.cognito.log().len(), 1, "the choice");
        assert!(operation.cancel(Cancellation::Caller), "nothing was sent");
    };
    let (result, ()) = tokio::join!(rig.flows.respond(&request, &operation), caller);
    assert_eq!(result.unwrap_err(), Error::Cancelled(Cancellation::Caller));
    rig.clock.advance(seconds(2));
    assert_eq!((rig.cognito.log().len(), operation.details().submitted()), (1, false));
    rig.respond(&rig.choice_request("alice", seconds(22))).await.result.unwrap();
    assert_eq!(rig.submitted(), [STEP + 1]);
}

#[tokio::test]
async fn no_session_is_used_up_when_no_code_can_follow() {
    let rig = Rig::start(seconds(20)).await;
    rig.respond(&rig.challenge_request("alice", seconds(22))).await.result.unwrap();
    let spent = Error::StepSpent { opens: seconds(STEP_START + 30) };
    let mut silent = rig.choice_request("touched", seconds(60));
    silent.interactive = false;
    for (request, expected) in [
        (rig.choice_request("alice", Duration::from_millis(17_999)), spent),
        (
            rig.choice_request("touched", Duration::from_millis(7_999)),
            Error::Token(token::Error::TouchTimeout),
        ),
        (silent, Error::TouchRequired),
    ] {
        assert_eq!(rig.respond(&request).await.result.unwrap_err(), expected);
    }
    let unfit = rig.respond(&rig.choice_request("counting", seconds(60))).await;
    assert!(matches!(unfit.result, Err(Error::Unsupported(_))), "{unfit:?}");
    assert_eq!(rig.cognito.log().len(), 1);

    let in_time = rig.choice_request("alice", seconds(18));
    let (response, ()) = tokio::join!(rig.respond(&in_time), rig.pass(seconds(10)));
    response.result.unwrap();
    assert_eq!(rig.submitted(), [STEP, STEP + 1]);
}
