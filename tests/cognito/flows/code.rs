//! Returning codes: codes are valid, and claimed codes are returned once.

use std::time::Duration;

use futures_util::FutureExt;
use oathbridge::flows::Error;
use oathbridge::oath::{CodeRequest, When};
use oathbridge::otp::{Algorithm, Code, Digits, truncate};
use oathbridge::registry::State;
use oathbridge::token;
use oathbridge::virt::Fault;
use tokio::sync::watch;

use super::rig::{Rig, SEED, STEP, STEP_START, seconds};

fn expected(step: u64) -> String {
    let digest = Algorithm::Sha1.hmac(SEED, &step.to_be_bytes());
    Code::decimal(truncate(&digest).unwrap(), Digits::SIX).expose().to_owned()
}

#[tokio::test]
async fn a_code_is_returned_with_its_validity_and_the_next_code() {
    let rig = Rig::start(seconds(7)).await;
    let mut request = rig.code_request("alice", 22);
    request.next = true;
    let reply = rig.code(&request).await.unwrap();
    assert_eq!(reply.code.expose(), expected(STEP));
    assert_eq!(reply.next.unwrap().expose(), expected(STEP + 1));
    assert_eq!(reply.valid, Some((seconds(STEP_START), seconds(STEP_START + 30))));
}

#[tokio::test]
async fn a_request_waits_for_the_minimum_validity() {
    let rig = Rig::start(seconds(15)).await;
    let mut request = rig.code_request("alice", 22);
    request.min_validity = seconds(15);
    assert_eq!(rig.code(&request).await.unwrap().code.expose(), expected(STEP));

    request.min_validity = seconds(16);
    let (reply, ()) = tokio::join!(rig.code(&request), rig.pass(seconds(15)));
    assert_eq!(reply.unwrap().code.expose(), expected(STEP + 1));

    // A step that has just started has the longest validity.
    rig.clock.advance(seconds(1));
    request.min_validity = seconds(30);
    request.deadline = rig.flows.deadline(seconds(40));
    let (reply, ()) = tokio::join!(rig.code(&request), rig.pass(seconds(29)));
    assert_eq!(reply.unwrap().code.expose(), expected(STEP + 2));

    request.min_validity = seconds(31);
    assert!(matches!(rig.code(&request).await, Err(Error::InvalidArgument(_))));
}

#[tokio::test]
async fn a_request_does_not_wait_beyond_its_deadline() {
    let rig = Rig::start(seconds(5)).await;
    let mut request = rig.code_request("alice", 20);
    request.min_validity = seconds(30);
    assert_eq!(rig.code(&request).await.unwrap_err(), Error::Timeout);
}

#[tokio::test]
async fn a_claimed_step_cannot_be_used_again() {
    let rig = Rig::start(seconds(5)).await;
    let mut request = rig.code_request("alice", 22);
    request.claim = true;
    rig.code(&request).await.unwrap();
    let spent = Error::StepSpent { opens: seconds(STEP_START + 30) };
    assert_eq!(rig.code(&request).await.unwrap_err(), spent);
    assert_eq!(rig.verify(&rig.verify_request("alice", seconds(22))).await.result.unwrap_err(), spent);
    request.claim = false;
    assert_eq!(rig.code(&request).await.unwrap().code.expose(), expected(STEP));
    assert!(rig.cognito.log().is_empty());
}

#[tokio::test]
async fn a_submitted_step_cannot_be_claimed() {
    let rig = Rig::start(seconds(5)).await;
    rig.verify(&rig.verify_request("alice", seconds(22))).await.result.unwrap();
    let mut request = rig.code_request("alice", 22);
    request.claim = true;
    let spent = Error::StepSpent { opens: seconds(STEP_START + 30) };
    assert_eq!(rig.code(&request).await.unwrap_err(), spent);
}

/// The two credentials have the same seed, which only their equal codes reveal.
#[tokio::test]
async fn a_code_that_was_claimed_is_not_sent_for_another_credential() {
    let rig = Rig::start(seconds(20)).await;
    let mut request = rig.code_request("alice", 22);
    request.claim = true;
    rig.code(&request).await.unwrap();
    let request = rig.verify_request("touched", seconds(60));
    let touches = async {
        rig.until_it_wants_a_touch().await;
        rig.card.touch();
        rig.pass(seconds(10)).await;
        rig.until_it_wants_a_touch().await;
        rig.card.touch();
    };
    let (reply, ()) = tokio::join!(rig.verify(&request), touches);
    reply.result.unwrap();
    assert_eq!(rig.submitted(), [STEP + 1]);
}

#[tokio::test]
async fn a_code_that_was_submitted_cannot_be_claimed_for_another_credential() {
    let rig = Rig::start(seconds(5)).await;
    rig.verify(&rig.verify_request("alice", seconds(22))).await.result.unwrap();
    let mut request = rig.code_request("touched", 22);
    request.claim = true;
    let touch = async {
        rig.until_it_wants_a_touch().await;
        rig.card.touch();
    };
    let (reply, ()) = tokio::join!(rig.code(&request), touch);
    assert_eq!(reply.unwrap_err(), Error::StepSpent { opens: seconds(STEP_START + 30) });
}

#[tokio::test]
async fn a_counter_advances_only_with_advance_counter() {
    let rig = Rig::start(seconds(5)).await;
    let mut request = rig.code_request("counting", 22);
    assert_eq!(rig.code(&request).await.unwrap_err(), Error::CounterNotConfirmed);
    request.advance_counter = true;
    // RFC 4226 appendix D.
    assert_eq!(rig.code(&request).await.unwrap().code.expose(), "755224");
    assert_eq!(rig.code(&request).await.unwrap().code.expose(), "287082");
    request.claim = true;
    assert!(matches!(rig.code(&request).await, Err(Error::InvalidArgument(_))));
    assert_eq!(rig.card.hotp_counter("AWS:counting"), Some(2));
}

#[tokio::test]
async fn without_interactive_a_touch_is_an_error() {
    let rig = Rig::start(seconds(5)).await;
    let mut request = rig.code_request("touched", 22);
    request.interactive = false;
    assert_eq!(rig.code(&request).await.unwrap_err(), Error::TouchRequired);
    assert_eq!(rig.card.count(0xa2), 0);
}

/// A touch that the token waits for cannot be called off, so no job is run meanwhile.
#[tokio::test]
async fn requests_that_were_cancelled_take_no_room_in_the_queue() {
    let rig = Rig::start(seconds(5)).await;
    let touching = rig.code_request("touched", 60);
    let found = rig.flows.registry().now().credential(&rig.credential("alice")).unwrap();
    let request =
        CodeRequest { credential: found.credential, when: When::Now, with_next: false, set_time: false };
    let token = &found.token.token;
    let others = async {
        rig.until_it_wants_a_touch().await;
        let calculate = || token.calculate(request.clone(), watch::Sender::default());
        for _ in 0..5_000 {
            let cancelled = calculate().now_or_never();
            assert!(cancelled.is_none(), "{cancelled:?}");
        }
        // Requests whose callers wait do take room.
        let mut waiting: Vec<_> = (0..200).map(|_| Box::pin(calculate())).collect();
        let refused = waiting.iter_mut().filter_map(|waiting| waiting.now_or_never());
        let refused: Vec<_> = refused.map(Result::unwrap_err).collect();
        assert!(!refused.is_empty() && refused.iter().all(|error| *error == token::Error::Busy));
        waiting.truncate(1);
        rig.card.touch();
        waiting.remove(0).await.unwrap()
    };
    let (touched, last) = tokio::join!(rig.code(&touching), others);
    touched.unwrap();
    assert_eq!(last.code.expose(), expected(STEP));
}

#[tokio::test]
async fn an_expired_code_is_never_returned() {
    let rig = Rig::start(seconds(29)).await;
    let request = rig.code_request("touched", 60);
    let person = async {
        for pause in [Duration::from_millis(1_000), Duration::ZERO] {
            rig.until_it_wants_a_touch().await;
            rig.clock.advance(pause);
            rig.card.touch();
        }
    };
    let (reply, ()) = tokio::join!(rig.code(&request), person);
    assert_eq!(reply.unwrap().code.expose(), expected(STEP + 1));
}

#[tokio::test]
async fn a_token_that_never_answers_is_stuck_until_it_is_plugged_in_again() {
    let rig = Rig::start(seconds(5)).await;
    let request = rig.code_request("alice", 60);
    let mut snapshots = rig.flows.registry().subscribe();
    rig.card.fail_next(Fault::Hang);
    let stuck = Error::Token(token::Error::Stuck);
    let sent = rig.card.log().len();
    let time_passes = async {
        while rig.card.log().len() == sent {
            tokio::task::yield_now().await;
        }
        // Possibly twice, because the supervision of the previous reading may still be sleeping for the same time.
        loop {
            rig.pass(seconds(8)).await;
        }
    };
    tokio::select! {
        result = rig.code(&request) => assert_eq!(result.unwrap_err(), stuck),
        never = time_passes => never,
    }
    let is_stuck = |state: &State| *state == State::Stuck;
    snapshots.wait_for(|now| now.tokens.values().all(|token| is_stuck(&token.state))).await.unwrap();
    assert_eq!(rig.code(&request).await.unwrap_err(), stuck, "it fails at once, without using the token");

    rig.card.unplug();
    snapshots.wait_for(|now| now.tokens.is_empty()).await.unwrap();
    rig.card.plug();
    let is_ready = |state: &State| *state == State::Ready;
    snapshots.wait_for(|now| now.tokens.values().any(|token| is_ready(&token.state))).await.unwrap();
    assert_eq!(rig.code(&rig.code_request("alice", 22)).await.unwrap().code.expose(), expected(STEP));
}

#[tokio::test]
async fn a_wrong_clock_is_detected() {
    let rig = Rig::start(seconds(5)).await;
    rig.cognito.plan(testkit::fake_cognito::Plan { date_skew: 95, ..Default::default() });
    let verification = rig.verify(&rig.verify_request("alice", seconds(22))).await;
    verification.result.unwrap();
    let skew = verification.details.clock_skew.unwrap();
    assert!((94.0..=96.0).contains(&skew), "{skew}");
}
