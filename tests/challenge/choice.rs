//! SELECT_MFA_TYPE, and which token is meant when several could be.

use std::collections::HashMap;

use super::{Bench, OTHER, text, tokens};

#[tokio::test]
async fn the_software_token_is_chosen_and_its_device_name_picks_the_token() {
    let bench = Bench::new().await;
    // Both tokens have the profile's credential; Cognito says which device it knows.
    bench.fake.ready_user("alice", OTHER).unwrap();
    let session = bench.fake.challenge("alice", Some("YubiKey 5 2818"), true).unwrap();
    let mut options = bench.options(&session);
    options.insert("challenge-name", "SELECT_MFA_TYPE".into());
    let reply = bench.respond("/", options).await.unwrap();
    assert!(text(&tokens(&reply), "access-token").is_some());
    let log = bench.fake.log();
    assert_eq!(log.iter().filter(|entry| entry.code.is_some()).count(), 1, "{log:?}");
}

#[tokio::test]
async fn the_parameters_of_the_challenge_pick_the_token_too() {
    let bench = Bench::new().await;
    let session = bench.session();
    let parameters = HashMap::from([("FRIENDLY_DEVICE_NAME", "YubiKey 5 5926")]);
    let mut options = bench.options(&session);
    assert_eq!(bench.respond("/", bench.options(&session)).await.unwrap_err().name, "Ambiguous");
    options.insert("challenge-parameters", parameters.into());
    bench.respond("/", options).await.unwrap();
}

#[tokio::test]
async fn an_unknown_device_name_is_no_guess() {
    let bench = Bench::new().await;
    let session = bench.session();
    let mut options = bench.options(&session);
    let parameters = HashMap::from([("FRIENDLY_DEVICE_NAME", "My phone")]);
    options.insert("challenge-parameters", parameters.into());
    assert_eq!(bench.respond("/", options).await.unwrap_err().name, "Ambiguous");
    assert!(bench.fake.log().is_empty());
}

#[tokio::test]
async fn without_a_token_the_session_is_not_used_up() {
    let mut bench = Bench::new().await;
    let session = bench.fake.challenge("alice", None, true).unwrap();
    let mut signals = bench.rig.client.signals().await.unwrap();
    for reader in 0..2 {
        bench.rig.pcscd.remove(reader).unwrap();
        let gone = |event: &testkit::client::Event| {
            matches!(event, testkit::client::Event::Removed { .. }) && event.place().starts_with("tokens/")
        };
        signals.until(gone).await.unwrap();
    }
    let mut options = bench.options(&session);
    options.insert("challenge-name", "SELECT_MFA_TYPE".into());
    assert_eq!(bench.respond("/", options).await.unwrap_err().name, "NoSuchCredential");
    assert!(bench.fake.log().is_empty());
}
