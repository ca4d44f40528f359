//! Refused codes are counted for each account, before Cognito locks it.

use oathbridge::cognito::ErrorKind;
use oathbridge::flows::Error;
use testkit::fake_cognito::{Fault, Plan};

use super::rig::{Rig, Verification, account_of, seconds};

fn kind(verification: Verification) -> ErrorKind {
    match verification.result.unwrap_err() {
        Error::Cognito(error) => error.kind,
        other => panic!("not Cognito's: {other:?}"),
    }
}

#[tokio::test]
async fn after_five_refusals_no_code_is_sent() {
    let rig = Rig::start(seconds(5)).await;
    rig.cognito.plan(Plan {
        fault: Fault::exception("CodeMismatchException", "no"),
        count: 5,
        ..Plan::default()
    });
    for _ in 0..5 {
        assert_eq!(
            kind(rig.verify(&rig.verify_request("alice", seconds(22))).await),
            ErrorKind::CodeMismatch
        );
        rig.clock.advance(seconds(30));
    }
    let error = rig.verify(&rig.verify_request("alice", seconds(22))).await.result.unwrap_err();
    assert_eq!(error, Error::RateLimited { wait: seconds(15 * 60 - 150) });
    assert_eq!(rig.submitted().len(), 5);
}

/// Another program may have an account of its own, and the path of the owner's credential.
#[tokio::test]
async fn refusals_of_another_account_do_not_keep_the_owner_out() {
    let rig = Rig::start(seconds(5)).await;
    let fault = Fault::exception("CodeMismatchException", "no");
    rig.cognito.plan(Plan { fault, count: 10, ..Plan::default() });
    for account in [account_of("other", "alice"), account_of("pool", "bob")] {
        let mut request = rig.verify_request("alice", seconds(22));
        request.submission.account = account;
        for _ in 0..5 {
            rig.verify(&request).await.result.unwrap_err();
            rig.clock.advance(seconds(30));
            request.deadline = rig.flows.deadline(seconds(22));
        }
    }
    rig.verify(&rig.verify_request("alice", seconds(22))).await.result.unwrap();
}

/// Cognito counts all wrong codes of a user.
#[tokio::test]
async fn another_credential_or_spelling_of_the_user_is_no_further_attempt() {
    let rig = Rig::start(seconds(5)).await;
    refuse(&rig, 5).await;
    let other = rig.verify_request("touched", seconds(22));
    let mut spelled = rig.verify_request("alice", seconds(22));
    spelled.submission.account = account_of("pool", "ALICE");
    for request in [other, spelled] {
        let error = rig.verify(&request).await.result.unwrap_err();
        assert!(matches!(error, Error::RateLimited { .. }), "{error:?}");
    }
    assert_eq!(rig.submitted().len(), 5);
}

/// The late request passes the first check before the fifth refusal, and waits for its step.
#[tokio::test]
async fn a_request_that_waits_for_its_step_sees_the_refusals_meanwhile() {
    let rig = Rig::start(seconds(5)).await;
    refuse(&rig, 4).await;
    rig.clock.advance(seconds(15));
    rig.cognito.plan(Plan { fault: refusal(), count: 2, ..Plan::default() });
    let requests = [3, 15].map(|min_seconds_left| {
        let mut request = rig.verify_request("alice", seconds(60));
        request.submission.policy.max_attempts = 1;
        request.submission.policy.min_seconds_left = seconds(min_seconds_left);
        request
    });
    let meanwhile = async {
        rig.clock.wait_for_sleeper(seconds(10)).await;
        rig.verify(&requests[0]).await.result.unwrap_err();
        rig.clock.advance(seconds(10));
    };
    let (late, ()) = tokio::join!(rig.verify(&requests[1]), meanwhile);
    let error = late.result.unwrap_err();
    assert!(matches!(error, Error::RateLimited { .. }), "{error:?}");
    assert_eq!(rig.submitted().len(), 5);
}

/// The code on its way would be the fifth refusal, and its answer opens the account again.
#[tokio::test]
async fn a_request_waits_for_the_answer_that_decides_whether_it_may_be_sent() {
    let rig = Rig::start(seconds(5)).await;
    refuse(&rig, 4).await;
    let held = rig.cognito.hold().await;
    let sent = async {
        // The intent is recorded directly before the code is sent.
        let record = rig.state.path().join("state/guard.json");
        let begun = std::time::Instant::now();
        while !std::fs::read_to_string(&record).unwrap().contains("intent") {
            assert!(begun.elapsed() < seconds(60), "it is not sent");
            tokio::task::yield_now().await;
        }
    };
    let requests = [22, 60].map(|timeout| rig.verify_request("alice", seconds(timeout)));
    let second = async {
        sent.await;
        rig.verify(&requests[1]).await
    };
    let (first, second) = tokio::join!(rig.verify(&requests[0]), async {
        let mut second = std::pin::pin!(second);
        // Its time for a submission ends eight seconds before its time.
        let waits_for_the_answer = rig.clock.wait_for_sleeper(seconds(60 - 8));
        tokio::select! {
            ended = &mut second => return ended,
            () = waits_for_the_answer => drop(held),
        }
        let first_is_answered = rig.clock.wait_for_sleeper(seconds(25));
        tokio::select! {
            ended = &mut second => return ended,
            // It waits for the step after that of the first one.
            () = first_is_answered => rig.clock.advance(seconds(25)),
        }
        second.await
    });
    first.result.unwrap();
    second.result.unwrap();
    assert_eq!(rig.submitted().len(), 6);
}

fn refusal() -> Fault {
    Fault::exception("CodeMismatchException", "no")
}

/// Has so many codes refused, each in a step of its own.
async fn refuse(rig: &Rig, count: u32) {
    rig.cognito.plan(Plan { fault: refusal(), count, ..Plan::default() });
    for _ in 0..count {
        rig.verify(&rig.verify_request("alice", seconds(22))).await.result.unwrap_err();
        rig.clock.advance(seconds(30));
    }
}
