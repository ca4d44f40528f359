//! Refusals and lost answers: at most one more code, and no code twice.

use std::time::Duration;

use testkit::fake_cognito::Fault;
use zbus::Variant;

use super::{Bench, TOKENS, alice};

#[testkit::test]
async fn after_a_used_code_the_next_one_is_sent_with_the_same_session() {
    let bench = Bench::new().await;
    let mut options = bench.options(&bench.session());
    options.insert("timeout", Variant::from(60_u32));
    bench
        .world
        .cognito
        .fail(Fault::exception("ExpiredCodeException", "Your software token has already been used once."));
    let reply = bench.in_the_next_step(bench.respond(&bench.first, options)).await.unwrap();
    assert_eq!(u32::try_from(reply["attempts"].try_clone().unwrap()).unwrap(), 2);
    bench.assert_single_use();
}

#[testkit::test]
async fn every_refusal_has_its_error_name() {
    for (code, message, name) in [
        ("NotAuthorizedException", "Invalid session for the user, session is expired.", "SessionExpired"),
        (
            "NotAuthorizedException",
            "Invalid session for the user, session can only be used once.",
            "SessionConsumed",
        ),
        ("NotAuthorizedException", "Password attempts exceeded", "LockedOut"),
        ("UserLambdaValidationException", "", "Rejected"),
        ("MFAMethodNotFoundException", "", "Rejected"),
        ("TooManyRequestsException", "", "Throttled"),
        ("ResourceNotFoundException", "", "PoolError"),
    ] {
        let fresh = Bench::new().await;
        fresh.world.cognito.fail(Fault::exception(code, message));
        let refusal = fresh.respond(&fresh.first, fresh.options(&fresh.session())).await.unwrap_err();
        assert_eq!(refusal.name, format!("Cognito.{name}"), "{code} {message}");
    }
}

#[testkit::test]
async fn a_lost_answer_sends_no_code_twice() {
    let bench = Bench::new().await;
    let mut options = bench.options(&bench.session());
    options.insert("timeout", Variant::from(60_u32));
    bench.world.cognito.fail(Fault::DropAfter);
    let refusal = bench.in_the_next_step(bench.respond(&bench.first, options)).await.unwrap_err();
    // The request with the lost answer has used up the session.
    assert_eq!(refusal.name, "Cognito.OutcomeUnknown");
    bench.assert_single_use();
}

#[testkit::test]
async fn a_step_that_was_verified_is_not_used_for_a_challenge() {
    let bench = Bench::new().await;
    let mut options = bench.options(&bench.session());
    bench.respond(&bench.first, options).await.unwrap();
    options = bench.options(&bench.session());
    options.insert("timeout", Variant::from(9_u32));
    assert_eq!(bench.respond(&bench.first, options).await.unwrap_err().name, "StepSpent");
    bench.assert_single_use();
}

/// Cognito counts the wrong codes of a user, whatever app client they come from.
#[testkit::test]
async fn five_refusals_at_one_app_client_keep_codes_from_the_others_of_the_pool() {
    let pool = |name| format!("user_pool_id = 'eu-central-1_{name}'\n");
    let profile = |name, of| {
        let place = "region = 'eu-central-1'\nendpoint_url = 'COGNITO_URL'\n";
        format!("[profiles.{name}]\n{place}client_id = '{name}'\n{}", pool(of))
    };
    let lines = format!("{}{}{}{}", alice(), pool("One"), profile("same", "One"), profile("other", "Two"));
    let bench = Bench::with(TOKENS, &lines).await;
    let respond = async |profile: &'static str| {
        let mut options = bench.options(&bench.session());
        options.insert("profile", profile.into());
        bench.respond(&bench.first, options).await
    };
    for _ in 0..5 {
        bench.world.cognito.fail(Fault::exception("CodeMismatchException", ""));
        assert_eq!(respond("work").await.unwrap_err().name, "Cognito.CodeMismatch");
        bench.world.clock().unwrap().advance(Duration::from_secs(30));
    }
    for profile in ["work", "same"] {
        assert_eq!(respond(profile).await.unwrap_err().name, "RateLimited", "{profile}");
    }
    respond("other").await.unwrap();
}
