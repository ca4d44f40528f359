//! Where nothing says which credential is meant, the only one is no better than any other.

use std::collections::HashMap;

use testkit::client::Options;

use super::{Bench, CLIENT, text, tokens};

/// The user's token is at home; what is plugged in holds something else.
const STRANGE: &str = "[[token]]
serial = 27182818
credential = [{ issuer = 'GitHub', account = 'alice', seed = 'MFRGGZDFMZTWQ2LKGAYTEMZUGU3DOOBZ' }]
";

const OWN: &str = "[[token]]
serial = 31415926
credential = [{ account = 'anything', seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' }]
";

/// The profile says where to ask and nothing of a credential, which is all that there is without one, too.
async fn bench(tokens: &str) -> Bench {
    Bench::with(tokens, &format!("client_id = '{CLIENT}'\n")).await
}

fn named<'a>(bench: &Bench, device: &'a str) -> Options<'a> {
    let mut options = bench.options(&bench.session());
    options.insert("challenge-parameters", HashMap::from([("FRIENDLY_DEVICE_NAME", device)]).into());
    options
}

#[tokio::test]
async fn another_token_s_only_credential_is_not_sent() {
    let bench = bench(STRANGE).await;
    let refusal = bench.respond("/", named(&bench, "YubiKey 5 5926")).await.unwrap_err();
    assert_eq!(refusal.name, "Ambiguous");
    assert!(bench.fake.log().is_empty());
    let empty = bench.respond("/", named(&bench, "")).await.unwrap_err();
    assert_eq!(empty.name, super::INVALID, "there is no name of anything");
    assert!(bench.fake.log().is_empty());
}

#[tokio::test]
async fn nor_is_it_after_a_choice() {
    for name in [None, Some("YubiKey 5 5926")] {
        let bench = bench(STRANGE).await;
        let session = bench.fake.challenge("alice", name, true).unwrap();
        let mut options = bench.options(&session);
        options.insert("challenge-name", "SELECT_MFA_TYPE".into());
        assert_eq!(bench.respond("/", options).await.unwrap_err().name, "Ambiguous", "{name:?}");
        assert!(bench.fake.log().iter().all(|entry| entry.code.is_none()));
    }
}

#[tokio::test]
async fn the_token_of_that_name_is_taken_and_no_other() {
    let bench = bench(&format!("{STRANGE}{OWN}")).await;
    let reply = bench.respond("/", named(&bench, "YubiKey 5 5926")).await.unwrap();
    assert!(text(&tokens(&reply), "access-token").is_some());
    bench.assert_single_use();
}

/// It is waited for, and what is plugged in already doesn't stand in for it.
#[tokio::test]
async fn the_token_of_that_name_may_be_waited_for() {
    let mut bench = bench(&format!("{OWN}{STRANGE}")).await;
    let mut signals = bench.rig.client.signals().await.unwrap();
    bench.rig.pcscd.remove(0).unwrap();
    let gone = |event: &testkit::client::Event| {
        matches!(event, testkit::client::Event::Removed { .. }) && event.place().starts_with("tokens/")
    };
    signals.until(gone).await.unwrap();
    let mut options = named(&bench, "YubiKey 5 5926");
    options.insert("wait-for-token", true.into());
    options.insert("timeout", 60_u32.into());
    let Bench { rig, fake, .. } = &mut bench;
    let client = rig.client.clone();
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
        rig.pcscd.insert(0, &rig.cards[0]).unwrap();
    };
    let (reply, ()) = tokio::join!(call, plug);
    reply.unwrap();
    assert_eq!(fake.log().len(), 1);
}

/// The user's own configuration names the credential; what somebody called the token long ago does not overrule it.
#[tokio::test]
async fn a_profile_s_credential_is_taken_whatever_its_token_is_called() {
    let lines = format!("client_id = '{CLIENT}'\naccount = 'anything'\n");
    let bench = Bench::with(&format!("{STRANGE}{OWN}"), &lines).await;
    bench.respond("/", named(&bench, "My old key")).await.unwrap();
    bench.assert_single_use();
}
