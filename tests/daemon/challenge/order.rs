//! The choice uses up the session, so it is sent after all other checks, and its result is kept.

use testkit::client::{Extra, Options};
use testkit::fake_cognito::Fault;
use zbus::Variant;

use super::{Bench, CLIENT, text};

fn choose(bench: &Bench, device: Option<&str>) -> Options<'static> {
    let session = bench.world.cognito.challenge("alice", device, true).unwrap();
    let mut options = bench.options(&session);
    options.insert("challenge-name", "SELECT_MFA_TYPE".into());
    options
}

/// The result of the operation with this handle.
async fn result(bench: &Bench, handle: &str) -> Extra {
    let client = &bench.world.client;
    let name = client.connection().unique_name().unwrap().to_string();
    let sender = name.trim_start_matches(':').replace('.', "_");
    let path = format!("{}/operations/{sender}/{handle}", oathbridge::dbus::names::ROOT);
    client.call(&path, "Operation", "GetResult", &()).await.unwrap()
}

#[testkit::test]
async fn a_forbidden_touch_is_detected_before_the_choice() {
    let token = "[[token]]\nserial = 31415926\ncredential = [{ issuer = 'AWS', account = 'alice', \
                 seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ', touch = true }]\n";
    let lines = format!("client_id = '{CLIENT}'\naccount = 'alice'\n");
    let bench = Bench::with(token, &lines).await;
    let mut options = choose(&bench, None);
    options.insert("interactive", false.into());
    assert_eq!(bench.respond("/", options).await.unwrap_err().name, "TouchRequired");
    assert!(bench.world.cognito.log().is_empty(), "the session is still valid");
    // Too short to wait for a touch.
    let mut options = choose(&bench, None);
    options.insert("timeout", Variant::from(9_u32));
    assert_eq!(bench.respond("/", options).await.unwrap_err().name, "TouchTimeout");
    assert!(bench.world.cognito.log().is_empty());
}

#[testkit::test]
async fn an_unsupported_credential_is_detected_before_the_choice() {
    let token = "[[token]]\nserial = 31415926\ncredential = [{ issuer = 'AWS', account = 'alice', \
                 seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ', digits = 8 }]\n";
    let bench = Bench::with(token, &format!("client_id = '{CLIENT}'\naccount = 'alice'\n")).await;
    assert_eq!(bench.respond("/", choose(&bench, None)).await.unwrap_err().name, "Unsupported");
    assert!(bench.world.cognito.log().is_empty());
}

#[testkit::test]
async fn a_spent_step_and_a_short_timeout_are_detected_before_the_choice() {
    let bench = Bench::new().await;
    bench.respond(&bench.first, bench.options(&bench.session())).await.unwrap();
    let mut options = choose(&bench, None);
    options.insert("timeout", Variant::from(9_u32));
    assert_eq!(bench.respond(&bench.first, options).await.unwrap_err().name, "StepSpent");
    let mut options = choose(&bench, None);
    options.insert("timeout", Variant::from(7_u32));
    // It is unknown which of the two tokens is used, but there is too little time for both.
    assert_eq!(bench.respond("/", options).await.unwrap_err().name, "Timeout");
    assert_eq!(bench.world.cognito.log().len(), 1);
}

#[testkit::test]
async fn get_result_has_the_session_after_the_choice_if_the_call_fails_later() {
    let bench = Bench::new().await;
    let mut options = choose(&bench, None);
    options.insert("handle-token", "lost".into());
    assert_eq!(bench.respond("/", options).await.unwrap_err().name, "Ambiguous");
    let kept = result(&bench, "lost").await;
    assert_eq!(text(&kept, "challenge-name").as_deref(), Some("SOFTWARE_TOKEN_MFA"));
    assert!(kept.contains_key("challenge-parameters"));
    let session = text(&kept, "session").unwrap();
    bench.respond(&bench.first, bench.options(&session)).await.unwrap();

    let mut options = choose(&bench, Some("YubiKey 5 5926"));
    options.insert("handle-token", "kept".into());
    options.insert("timeout", Variant::from(60_u32));
    bench.in_the_next_step(bench.respond("/", options)).await.unwrap();
    assert!(!result(&bench, "kept").await.contains_key("session"), "the session was used");
}

#[testkit::test]
async fn an_invalid_response_to_the_choice_may_have_used_up_the_session() {
    for (fault, name) in [
        (Fault::InternalErrorAfter, "Cognito.ServiceUnavailable"),
        (Fault::DropAfter, "Cognito.OutcomeUnknown"),
    ] {
        let bench = Bench::new().await;
        bench.world.cognito.fail(fault);
        let mut options = choose(&bench, None);
        options.insert("handle-token", "asked".into());
        let refusal = bench.respond(&bench.first, options).await.unwrap_err();
        assert_eq!(refusal.name, name);
        assert!(refusal.sentence.contains("no code was sent"), "{refusal:?}");
        assert!(refusal.sentence.contains("sign-in"), "{refusal:?}");
        let kept = result(&bench, "asked").await;
        assert!(!bool::try_from(kept["submitted"].try_clone().unwrap()).unwrap());
    }
}
