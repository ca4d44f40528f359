//! Codes and sessions are for single use and expire.

use std::time::Duration;

use oathbridge::cognito::{Delivered, ErrorKind};
use testkit::fake_cognito::Reuse;

use crate::rig::{Rig, STEP, code, session, verdict};

#[tokio::test]
async fn a_used_code_is_refused_in_each_of_three_ways() {
    for (reuse, kind) in [
        (Reuse::Expired, ErrorKind::CodeAlreadyUsed),
        (Reuse::EnableMfa, ErrorKind::CodeMismatch),
        (Reuse::StatusError, ErrorKind::CodeMismatch),
    ] {
        let rig = Rig::new();
        rig.fake.set_reuse(reuse);
        rig.verify(&rig.token()).await.result.unwrap();
        let error = rig.failure(&rig.client(), &rig.session()).await;
        assert_eq!(verdict(&error), (kind, Delivered::Yes), "{reuse:?}");
        assert_eq!(rig.fake.submissions().into_values().collect::<Vec<_>>(), [2]);
    }
}

#[tokio::test]
async fn a_wrong_code_keeps_the_session_and_a_correct_one_uses_it_up() {
    let rig = Rig::new();
    let client = rig.client();
    let wrong = client.verify_software_token(&rig.session(), &code(STEP + 7), "").await;
    assert_eq!(wrong.result.unwrap_err().kind, ErrorKind::CodeMismatch);
    assert_eq!(rig.fake.log()[0].step, Some(STEP + 7));

    rig.verify(&rig.session()).await.result.unwrap();
    let again = client.verify_software_token(&rig.session(), &code(STEP + 1), "").await;
    assert_eq!(again.result.unwrap_err().kind, ErrorKind::SessionConsumed);
}

#[tokio::test]
async fn one_step_early_or_late_is_accepted_and_no_more() {
    for (step, accepted) in
        [(STEP - 2, false), (STEP - 1, true), (STEP, true), (STEP + 1, true), (STEP + 2, false)]
    {
        let rig = Rig::new();
        let answer = rig.client().verify_software_token(&rig.token(), &code(step), "").await;
        assert_eq!(answer.result.is_ok(), accepted, "{step}");
    }
}

#[tokio::test]
async fn sessions_and_access_tokens_expire() {
    let rig = Rig::new();
    let (token, old) = (rig.token(), rig.session());
    rig.fake.set_clock_offset(180);
    let within = session(&rig.fake.session("alice").unwrap());
    let client = rig.client();
    let verify = async |authorization, step| {
        let answer = client.verify_software_token(authorization, &code(step), "").await;
        answer.result.map(drop).map_err(|error| error.kind)
    };
    assert_eq!(verify(&old, STEP + 6).await, Ok(()));
    rig.clock.advance(Duration::from_secs(181));
    assert_eq!(verify(&within, STEP + 12).await, Err(ErrorKind::SessionExpired));
    rig.clock.advance(Duration::from_secs(3_600));
    assert_eq!(verify(&token, STEP + 132).await, Err(ErrorKind::TokenExpired));

    let rig = Rig::new();
    rig.fake.revoke(&rig.ready.access_token);
    assert_eq!(rig.failure(&rig.client(), &rig.token()).await.kind, ErrorKind::TokenExpired);
}
