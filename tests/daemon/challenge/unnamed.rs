//! If neither the call nor the profile names a credential, the only attached one is not assumed to be the right one.

use std::collections::HashMap;

use testkit::client::Options;

use super::{Bench, CLIENT, text, tokens};

/// The user's token is not attached; the attached token has another credential.
const STRANGE: &str = "[[token]]
serial = 27182818
credential = [{ issuer = 'GitHub', account = 'alice', seed = 'MFRGGZDFMZTWQ2LKGAYTEMZUGU3DOOBZ' }]
";

const OWN: &str = "[[token]]
serial = 31415926
credential = [{ account = 'anything', seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' }]
";

/// A profile without issuer and account is like no profile with respect to the credential.
async fn bench(tokens: &str) -> Bench {
    Bench::with(tokens, &format!("client_id = '{CLIENT}'\n")).await
}

fn named<'a>(bench: &Bench, device: &'a str) -> Options<'a> {
    let mut options = bench.options(&bench.session());
    options.insert("challenge-parameters", HashMap::from([("FRIENDLY_DEVICE_NAME", device)]).into());
    options
}

#[testkit::test]
async fn the_only_credential_of_another_token_is_not_used() {
    let bench = bench(STRANGE).await;
    let refusal = bench.respond("/", named(&bench, "YubiKey 5 5926")).await.unwrap_err();
    assert_eq!(refusal.name, "Ambiguous");
    assert!(bench.world.cognito.log().is_empty());
    let empty = bench.respond("/", named(&bench, "")).await.unwrap_err();
    assert_eq!(empty.name, super::INVALID, "nothing names the credential or the token");
    assert!(bench.world.cognito.log().is_empty());
}

#[testkit::test]
async fn the_only_credential_of_another_token_is_not_used_after_a_choice_either() {
    for name in [None, Some("YubiKey 5 5926")] {
        let bench = bench(STRANGE).await;
        let session = bench.world.cognito.challenge("alice", name, true).unwrap();
        let mut options = bench.options(&session);
        options.insert("challenge-name", "SELECT_MFA_TYPE".into());
        assert_eq!(bench.respond("/", options).await.unwrap_err().name, "Ambiguous", "{name:?}");
        assert!(bench.world.cognito.log().iter().all(|entry| entry.code.is_none()));
    }
}

#[testkit::test]
async fn only_the_token_with_the_device_name_is_used() {
    let bench = bench(&format!("{STRANGE}{OWN}")).await;
    let reply = bench.respond("/", named(&bench, "YubiKey 5 5926")).await.unwrap();
    assert!(text(&tokens(&reply), "access-token").is_some());
    bench.assert_single_use();
}

/// The call waits for that token, and does not use the attached one instead.
#[testkit::test]
async fn a_call_may_wait_for_the_token_with_the_device_name() {
    let mut bench = bench(&format!("{OWN}{STRANGE}")).await;
    let mut signals = bench.world.client.signals().await.unwrap();
    bench.world.pcscd().unwrap().remove(0).unwrap();
    let gone = |event: &testkit::client::Event| {
        matches!(event, testkit::client::Event::Removed { .. }) && event.place().starts_with("tokens/")
    };
    signals.until(gone).await.unwrap();
    let mut options = named(&bench, "YubiKey 5 5926");
    options.insert("wait-for-token", true.into());
    options.insert("timeout", 60_u32.into());
    let (client, card) = (bench.world.client.clone(), bench.world.card().unwrap().clone());
    let root = zbus::ObjectPath::try_from("/").unwrap();
    let arguments = (root, options);
    let call = client.call::<_, testkit::client::Extra>(
        oathbridge::dbus::names::ROOT,
        "Cognito",
        "RespondToMfaChallenge",
        &arguments,
    );
    let plug = async {
        let asks =
            |event: &testkit::client::Event| event.value::<String>("Kind").as_deref() == Some("insert");
        signals.until(asks).await.unwrap();
        bench.world.pcscd().unwrap().insert(0, &card).unwrap();
    };
    let (reply, ()) = tokio::join!(call, plug);
    reply.unwrap();
    assert_eq!(bench.world.cognito.log().len(), 1);
}

/// The user's own configuration has priority over the device name from the enrolment.
#[testkit::test]
async fn the_credential_of_the_profile_has_priority_over_the_device_name() {
    let lines = format!("client_id = '{CLIENT}'\naccount = 'anything'\n");
    let bench = Bench::with(&format!("{STRANGE}{OWN}"), &lines).await;
    bench.respond("/", named(&bench, "My old key")).await.unwrap();
    bench.assert_single_use();
}
