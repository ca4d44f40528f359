//! Answering a challenge: when and how often codes are sent, and the handling of errors.

use std::time::Duration;

use oathbridge::cognito::{Delivered, ErrorKind, Responded};
use oathbridge::flows::Error;
use testkit::fake_cognito::{Fault, Plan};

use super::rig::{Rig, STEP, STEP_START, limited, seconds};

/// Errors that end a sign-in at once, however much time is left: exception, text, class.
const FINAL: [(&str, &str, ErrorKind); 20] = [
    (
        "NotAuthorizedException",
        "Invalid session for the user, session is expired.",
        ErrorKind::SessionExpired,
    ),
    (
        "NotAuthorizedException",
        "Invalid session for the user, session can only be used once.",
        ErrorKind::SessionConsumed,
    ),
    ("NotAuthorizedException", "Invalid session for the user.", ErrorKind::SessionConsumed),
    ("NotAuthorizedException", "Password attempts exceeded", ErrorKind::LockedOut),
    ("NotAuthorizedException", "User temporarily locked.", ErrorKind::LockedOut),
    ("NotAuthorizedException", "Unable to verify secret hash for client", ErrorKind::NotAuthorized),
    ("NotAuthorizedException", "User is disabled.", ErrorKind::AccountState),
    ("TooManyRequestsException", "Rate exceeded", ErrorKind::Throttled),
    ("InvalidParameterException", "1 validation error detected", ErrorKind::InvalidParameter),
    ("InvalidParameterException", "User has not set up software token mfa", ErrorKind::NotEnrolled),
    ("SoftwareTokenMFANotFoundException", "", ErrorKind::TotpNotEnabled),
    ("PasswordResetRequiredException", "", ErrorKind::AccountState),
    ("UserNotConfirmedException", "", ErrorKind::AccountState),
    ("UserNotFoundException", "", ErrorKind::AccountState),
    ("ResourceNotFoundException", "", ErrorKind::PoolError),
    ("OperationNotEnabledException", "", ErrorKind::PoolError),
    ("ForbiddenException", "", ErrorKind::Blocked),
    ("UserLambdaValidationException", "", ErrorKind::Rejected),
    ("MFAMethodNotFoundException", "", ErrorKind::Rejected),
    ("SurpriseException", "", ErrorKind::Rejected),
];

#[tokio::test]
async fn a_code_is_submitted_in_its_own_step() {
    let rig = Rig::start(seconds(27)).await;
    let reply = rig.respond(&rig.challenge_request("alice", seconds(22))).await;
    assert!(matches!(reply.result, Ok(Responded::Tokens(_))), "{reply:?}");
    assert_eq!((reply.details.attempts, rig.submitted()), (1, vec![STEP]));
    let entry = &rig.cognito.log()[0];
    assert_eq!((entry.operation.as_str(), entry.device_name.as_deref()), ("RespondToAuthChallenge", None));
}

#[tokio::test]
async fn with_less_than_three_seconds_left_the_request_waits_for_the_next_step() {
    let rig = Rig::start(Duration::from_millis(27_001)).await;
    let request = rig.challenge_request("alice", seconds(22));
    let (reply, ()) = tokio::join!(rig.respond(&request), rig.pass(Duration::from_millis(2_999)));
    assert_eq!((reply.details.attempts, rig.submitted()), (1, vec![STEP + 1]));
}

#[tokio::test]
async fn a_step_that_opens_eight_seconds_before_the_deadline_is_the_last() {
    let rig = Rig::start(seconds(20)).await;
    rig.respond(&rig.challenge_request("alice", seconds(22))).await.result.unwrap();

    let too_late = rig.challenge_request("alice", Duration::from_millis(17_999));
    let error = rig.respond(&too_late).await.result.unwrap_err();
    assert_eq!(error, Error::StepSpent { opens: seconds(STEP_START + 30) });

    let in_time = rig.challenge_request("alice", seconds(18));
    let (reply, ()) = tokio::join!(rig.respond(&in_time), rig.pass(seconds(10)));
    reply.result.unwrap();
    assert_eq!(rig.submitted(), [STEP, STEP + 1]);
}

#[tokio::test]
async fn nothing_starts_later_than_eight_seconds_before_the_deadline() {
    let rig = Rig::start(seconds(5)).await;
    let late = rig.challenge_request("alice", Duration::from_millis(7_999));
    assert_eq!(rig.respond(&late).await.result.unwrap_err(), Error::Timeout);
    assert!(rig.cognito.log().is_empty());
    rig.respond(&rig.challenge_request("alice", seconds(8))).await.result.unwrap();
    assert_eq!(rig.submitted(), [STEP]);
}

#[tokio::test]
async fn verify_and_challenge_share_the_spent_steps() {
    let spent = Error::StepSpent { opens: seconds(STEP_START + 30) };
    let rig = Rig::start(seconds(5)).await;
    rig.verify(&rig.verify_request("alice", seconds(22))).await.result.unwrap();
    let request = rig.challenge_request("alice", seconds(22));
    assert_eq!(rig.respond(&request).await.result.unwrap_err(), spent);

    let rig = Rig::start(seconds(5)).await;
    rig.respond(&rig.challenge_request("alice", seconds(22))).await.result.unwrap();
    let request = rig.verify_request("alice", seconds(22));
    assert_eq!(rig.verify(&request).await.result.unwrap_err(), spent);
    assert_eq!(rig.submitted(), [STEP]);
}

/// Cognito answers a code that was used elsewhere with ExpiredCodeException, and keeps the session.
#[tokio::test]
async fn after_a_used_code_the_next_one_is_sent_with_the_same_session() {
    let elsewhere = Rig::start(seconds(20)).await;
    elsewhere.respond(&elsewhere.challenge_request("alice", seconds(22))).await.result.unwrap();

    let here = Rig::start(seconds(20)).await;
    let mut request = here.challenge_request("alice", seconds(60));
    let theirs = elsewhere.challenge_request("alice", seconds(60));
    request.submission.endpoint = theirs.submission.endpoint.clone();
    request.session = theirs.session.clone();
    let both_clocks = async {
        limited(Box::pin(here.clock.wait_for_sleeper(seconds(10)))).await;
        elsewhere.clock.advance(seconds(10));
        here.clock.advance(seconds(10));
    };
    let (reply, ()) = tokio::join!(here.respond(&request), both_clocks);
    assert!(matches!(reply.result, Ok(Responded::Tokens(_))), "{reply:?}");
    assert_eq!(reply.details.attempts, 2);
    assert_eq!(elsewhere.submitted(), [STEP, STEP, STEP + 1]);
    assert_eq!(elsewhere.cognito.log()[1].outcome, "ExpiredCodeException");
}

#[tokio::test]
async fn without_time_for_a_second_code_the_first_error_is_returned() {
    let rig = Rig::start(seconds(5)).await;
    rig.cognito.fail(Fault::exception("ExpiredCodeException", ""));
    let response = rig.respond(&rig.challenge_request("alice", seconds(22))).await;
    assert_eq!((response.details.attempts, response.kind()), (1, ErrorKind::CodeAlreadyUsed));
    assert_eq!(rig.submitted(), [STEP]);
}

#[tokio::test]
async fn after_any_other_refusal_no_second_code_is_sent() {
    let rig = Rig::start(seconds(20)).await;
    for (steps, (code, message, expected)) in (1..).zip(FINAL) {
        rig.cognito.fail(Fault::exception(code, message));
        let request = rig.challenge_request("alice", seconds(60));
        let response = tokio::select! {
            response = rig.respond(&request) => response,
            () = rig.pass(seconds(10)) => panic!("{code} {message}: a second code is waited for"),
        };
        assert_eq!(response.details.attempts, 1, "{code} {message}");
        assert_eq!(response.details.aws_code.as_deref(), Some(code));
        assert_eq!(response.kind(), expected, "{code} {message}");
        assert_eq!(rig.submitted().len(), steps, "{code} {message}");
        rig.clock.advance(seconds(30));
    }
}

/// The same with the session handling of the fake.
#[tokio::test]
async fn a_session_that_was_used_or_is_too_old_gets_one_code() {
    let rig = Rig::start(seconds(5)).await;
    let used = rig.challenge_request("alice", seconds(300));
    rig.respond(&used).await.result.unwrap();
    rig.clock.advance(seconds(30));
    assert_eq!(rig.respond(&used).await.kind(), ErrorKind::SessionConsumed);
    let old = rig.challenge_request("alice", seconds(300));
    rig.clock.advance(seconds(210));
    assert_eq!(rig.respond(&old).await.kind(), ErrorKind::SessionExpired);
    assert_eq!(rig.submitted(), [STEP, STEP + 1, STEP + 8]);
}

/// Cognito counts failed sign-ins. Whether it counts failures of VerifySoftwareToken with them is not known, so the daemon
/// counts both together.
#[tokio::test]
async fn after_five_wrong_codes_of_both_calls_no_code_is_sent() {
    let rig = Rig::start(seconds(5)).await;
    let wrong = Fault::exception("CodeMismatchException", "Invalid code received for user");
    rig.cognito.plan(Plan { count: 5, ..Plan::from(wrong) });
    for number in 0..5 {
        if number % 2 == 0 {
            let response = rig.respond(&rig.challenge_request("alice", seconds(22))).await;
            assert_eq!(response.kind(), ErrorKind::CodeMismatch);
        } else {
            rig.verify(&rig.verify_request("alice", seconds(22))).await.result.unwrap_err();
        }
        rig.clock.advance(seconds(30));
    }
    let limited = Error::RateLimited { wait: seconds(15 * 60 - 150) };
    let choice = rig.choice_request("alice", seconds(22));
    for request in [rig.challenge_request("alice", seconds(22)), choice] {
        assert_eq!(rig.respond(&request).await.result.unwrap_err(), limited);
    }
    assert_eq!(rig.cognito.log().len(), 5);
    rig.clock.advance(seconds(15 * 60 - 150));
    rig.respond(&rig.challenge_request("alice", seconds(22))).await.result.unwrap();
}

#[tokio::test]
async fn two_wrong_codes_end_a_sign_in() {
    let rig = Rig::start(seconds(20)).await;
    let wrong = Fault::exception("CodeMismatchException", "Invalid code received for user");
    rig.cognito.plan(Plan { count: 3, ..Plan::from(wrong) });
    let request = rig.challenge_request("alice", seconds(120));
    let (response, ()) = tokio::join!(rig.respond(&request), rig.pass(seconds(10)));
    assert_eq!((response.details.attempts, response.kind()), (2, ErrorKind::CodeMismatch));
    assert_eq!(rig.submitted(), [STEP, STEP + 1]);
}

#[tokio::test]
async fn an_unknown_outcome_stays_unknown_after_a_later_error() {
    for fault in [Fault::DropAfter, Fault::InternalErrorAfter] {
        let rig = Rig::start(seconds(20)).await;
        let expected = match fault {
            Fault::DropAfter => ErrorKind::OutcomeUnknown,
            _ => ErrorKind::ServiceUnavailable,
        };
        rig.cognito.fail(fault);
        let request = rig.challenge_request("alice", seconds(60));
        let (response, ()) = tokio::join!(rig.respond(&request), rig.pass(seconds(10)));
        // The first code succeeded and used up the session, so SessionConsumed for the second one does not prove a failure.
        assert_eq!(rig.cognito.log()[1].outcome, "NotAuthorizedException");
        let Err(Error::Cognito(error)) = response.result else { panic!("another failure") };
        assert_eq!((error.kind, error.delivered), (expected, Delivered::Unknown));
        assert_eq!((response.details.attempts, rig.submitted()), (2, vec![STEP, STEP + 1]));
    }
}

#[tokio::test]
async fn after_a_lost_request_the_next_code_succeeds() {
    let rig = Rig::start(seconds(20)).await;
    rig.cognito.fail(Fault::DropBefore);
    let request = rig.challenge_request("alice", seconds(60));
    let (response, ()) = tokio::join!(rig.respond(&request), rig.pass(seconds(10)));
    assert!(matches!(response.result, Ok(Responded::Tokens(_))), "{response:?}");
    assert_eq!(rig.submitted(), [STEP, STEP + 1]);
}
