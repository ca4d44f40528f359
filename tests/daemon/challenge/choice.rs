//! SELECT_MFA_TYPE, and the selection of the token if several are possible.

use std::collections::HashMap;

use oathbridge::dbus::names;
use testkit::client::{Extra, Refusal};
use testkit::fake_cognito::{Fault, Plan};
use testkit::scenario::Scenario;

use super::{Bench, OTHER, TOKENS, alice, limited, text, tokens};

/// The outcome of a call, `GetResult` and `State` after a cancellation while the choice is being sent.
async fn cancelled_on_its_way(bench: &Bench, fault: Fault) -> (Refusal, Extra, String) {
    bench.world.cognito.plan(Plan { delay_ms: 1_500, ..Plan::from(fault) });
    let mut options = bench.options(&bench.world.cognito.challenge("alice", None, true).unwrap());
    options.insert("challenge-name", "SELECT_MFA_TYPE".into());
    options.insert("handle-token", "choice".into());
    let client = &bench.world.client;
    let caller = client.connection().unique_name().unwrap().to_string();
    let operation = names::operation(&caller, Some("choice"), 0).to_string();
    let mut signals = client.signals().await.unwrap();
    let cancelling = async {
        signals.until(|event| event.value::<String>("State").as_deref() == Some("submitting")).await.unwrap();
        client.call::<_, bool>(&operation, "Operation", "Cancel", &()).await.unwrap()
    };
    let (reply, nothing_sent) = tokio::join!(bench.respond(&bench.first, options), cancelling);
    assert!(nothing_sent, "a choice is not a code");
    assert!(bench.world.cognito.submissions().is_empty());
    let result = client.call(&operation, "Operation", "GetResult", &()).await.unwrap();
    (reply.unwrap_err(), result, client.property(&operation, "Operation", "State").await.unwrap())
}

#[testkit::test]
async fn after_a_cancellation_during_the_choice_the_sign_in_can_continue() {
    let bench = Bench::new().await;
    let (refusal, result, state) = cancelled_on_its_way(&bench, Fault::None).await;
    assert_eq!((refusal.name.as_str(), state.as_str()), ("Cancelled", "cancelled"));
    assert_eq!(text(&result, "challenge-name").as_deref(), Some("SOFTWARE_TOKEN_MFA"));
    assert!(!bool::try_from(result["submitted"].try_clone().unwrap()).unwrap());
    let options = bench.options(&text(&result, "session").unwrap());
    bench.respond(&bench.first, options).await.unwrap();
}

#[testkit::test]
async fn after_a_cancellation_during_a_lost_choice_the_error_says_that_it_is_lost() {
    let bench = Bench::new().await;
    let (refusal, result, state) = cancelled_on_its_way(&bench, Fault::DropAfter).await;
    assert_eq!((refusal.name.as_str(), state.as_str()), ("Cognito.OutcomeUnknown", "failed"));
    assert!(refusal.sentence.contains("no code was sent"), "{refusal:?}");
    assert!(!bool::try_from(result["submitted"].try_clone().unwrap()).unwrap());
}

#[testkit::test]
async fn nothing_is_chosen_for_a_credential_without_the_touch_that_the_policy_requires() {
    let bench = Bench::new().await;
    bench.world.restrict("[access]\nrequire_touch = true\n").await.unwrap();
    let session = bench.world.cognito.challenge("alice", None, true).unwrap();
    let mut options = bench.options(&session);
    options.insert("challenge-name", "SELECT_MFA_TYPE".into());
    let before = bench.world.cognito.log().len();
    for name in ["SELECT_MFA_TYPE", "SOFTWARE_TOKEN_MFA"] {
        let mut options = bench.options(&session);
        options.insert("challenge-name", name.into());
        assert_eq!(bench.respond(&bench.first, options).await.unwrap_err().name, "AccessDenied", "{name}");
    }
    assert_eq!(bench.world.cognito.log().len(), before, "the session is not used up");
    bench.world.restrict("").await.unwrap();
    bench.respond(&bench.first, options).await.unwrap();
}

/// Either credential of the profile may be the one that the next challenge names, but neither can give the code.
#[testkit::test]
async fn nothing_is_chosen_if_no_credential_of_the_profile_may_be_used() {
    let bench = Bench::new().await;
    bench.world.restrict("[access]\nrequire_touch = true\n").await.unwrap();
    bench.world.cognito.ready_user("alice", OTHER).unwrap();
    let session = bench.world.cognito.challenge("alice", Some("YubiKey 5 2818"), true).unwrap();
    let options = || {
        let mut options = bench.options(&session);
        options.insert("challenge-name", "SELECT_MFA_TYPE".into());
        options
    };
    let before = bench.world.cognito.log().len();
    assert_eq!(bench.respond("/", options()).await.unwrap_err().name, "AccessDenied");
    assert_eq!(bench.world.cognito.log().len(), before, "the session is not used up");
    bench.world.restrict("").await.unwrap();
    bench.respond("/", options()).await.unwrap();
}

#[testkit::test]
async fn the_software_token_is_chosen_and_the_device_name_selects_the_token() {
    let bench = Bench::new().await;
    // Both tokens have the profile's credential; Cognito sends the device name.
    bench.world.cognito.ready_user("alice", OTHER).unwrap();
    let session = bench.world.cognito.challenge("alice", Some("YubiKey 5 2818"), true).unwrap();
    let mut options = bench.options(&session);
    options.insert("challenge-name", "SELECT_MFA_TYPE".into());
    let reply = bench.respond("/", options).await.unwrap();
    assert!(text(&tokens(&reply), "access-token").is_some());
    let log = bench.world.cognito.log();
    assert_eq!(log.iter().filter(|entry| entry.code.is_some()).count(), 1, "{log:?}");
}

#[testkit::test]
async fn the_device_name_in_the_challenge_selects_the_token() {
    let bench = Bench::new().await;
    let session = bench.session();
    let parameters = HashMap::from([("FRIENDLY_DEVICE_NAME", "YubiKey 5 5926")]);
    let mut options = bench.options(&session);
    assert_eq!(bench.respond("/", bench.options(&session)).await.unwrap_err().name, "Ambiguous");
    options.insert("challenge-parameters", parameters.into());
    bench.respond("/", options).await.unwrap();
}

#[testkit::test]
async fn an_unknown_device_name_selects_no_token() {
    let bench = Bench::new().await;
    let session = bench.session();
    let mut options = bench.options(&session);
    let parameters = HashMap::from([("FRIENDLY_DEVICE_NAME", "My phone")]);
    options.insert("challenge-parameters", parameters.into());
    assert_eq!(bench.respond("/", options).await.unwrap_err().name, "Ambiguous");
    assert!(bench.world.cognito.log().is_empty());
}

#[testkit::test]
async fn without_a_token_the_session_is_not_used_up() {
    let mut bench = Bench::new().await;
    let session = bench.world.cognito.challenge("alice", None, true).unwrap();
    let mut signals = bench.world.client.signals().await.unwrap();
    for reader in 0..2 {
        bench.world.pcscd().unwrap().remove(reader).unwrap();
        let gone = |event: &testkit::client::Event| {
            matches!(event, testkit::client::Event::Removed { .. }) && event.place().starts_with("tokens/")
        };
        signals.until(gone).await.unwrap();
    }
    let mut options = bench.options(&session);
    options.insert("challenge-name", "SELECT_MFA_TYPE".into());
    assert_eq!(bench.respond("/", options).await.unwrap_err().name, "NoSuchCredential");
    assert!(bench.world.cognito.log().is_empty());
}

/// A choice that is sent is a request to Cognito, and its code belongs to it.
#[testkit::test]
async fn a_choice_counts_once_with_its_code_and_not_at_all_if_it_is_not_sent() {
    let config = limited(&alice(), 2);
    let bench = Bench::of(Scenario::inside().cards(TOKENS).config(&config).start().await.unwrap()).await;
    let session = bench.world.cognito.challenge("alice", None, true).unwrap();
    let options = |session: &str| {
        let mut options = bench.options(session);
        options.insert("challenge-name", "SELECT_MFA_TYPE".into());
        options
    };
    let absent = format!("{}0", &bench.first[..bench.first.len() - 1]);
    for _ in 0..8 {
        let refusal = bench.respond(&absent, options(&session)).await.unwrap_err();
        assert_eq!(refusal.name, "NoSuchCredential");
    }
    bench.respond(&bench.first, options(&session)).await.unwrap();
    bench.world.cognito.plan(Plan::from(Fault::DropAfter));
    let session = bench.world.cognito.challenge("alice", None, true).unwrap();
    let refusal = bench.respond("/", options(&session)).await.unwrap_err();
    assert_eq!(refusal.name, "Cognito.OutcomeUnknown");
    let refusal = bench.respond("/", options(&session)).await.unwrap_err();
    assert_eq!(refusal.name, "RateLimited");
}
