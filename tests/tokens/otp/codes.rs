//! Codes and properties.

use std::time::Duration;

use oathbridge::dbus::names::ROOT;
use testkit::client::Options;
use testkit::scenario::Scenario;

use super::{Bench, KEY, SLOTS, TOKEN};

/// RFC 6238, appendix B, SHA-1.
const VECTORS: [(u64, &str); 6] = [
    (59, "94287082"),
    (1_111_111_109, "07081804"),
    (1_111_111_111, "14050471"),
    (1_234_567_890, "89005924"),
    (2_000_000_000, "69279037"),
    (20_000_000_000, "65353130"),
];

#[testkit::test]
async fn the_codes_of_the_rfc() {
    let bench = Bench::new(SLOTS).await;
    let bob = bench.credential("bob").await;
    for (time, code) in VECTORS {
        bench.world.clock().unwrap().set_unix_time(Duration::from_secs(time));
        let reply = bench.client().calculate(&bob, Options::new()).await.unwrap();
        assert_eq!((reply.code.as_str(), reply.from), (code, time - time % 30));
    }
    // A step that ends in a zero byte, whose challenge has other padding.
    bench.world.clock().unwrap().set_unix_time(Duration::from_secs(256 * 30));
    let next = Options::from([("next", true.into())]);
    let reply = bench.client().calculate(&bob, next).await.unwrap();
    assert_eq!((reply.code.len(), reply.next.map(|next| next.len())), (8, Some(8)));
    let commands = bench.key.otp_commands();
    assert_eq!(commands.iter().filter(|command| **command == 0x38).count(), VECTORS.len() + 2);
    assert_eq!(commands.iter().filter(|command| **command == 0x10).count(), 1, "one serial number");
    assert!(!commands.contains(&0x30), "the other slot was sent a challenge");
}

#[testkit::test]
async fn a_step_that_ends_in_zero_has_its_code() {
    use oathbridge::otp::{Algorithm, Code, Digits, truncate};
    let bench = Bench::new(SLOTS).await;
    let bob = bench.credential("bob").await;
    for step in [256_u64, 65_536, 60_000_000] {
        bench.world.clock().unwrap().set_unix_time(Duration::from_secs(step * 30));
        let digest = Algorithm::Sha1.hmac(b"12345678901234567890", &step.to_be_bytes());
        let code = Code::decimal(truncate(&digest).unwrap(), Digits::new(8).unwrap());
        let reply = bench.client().calculate(&bob, Options::new()).await.unwrap();
        assert_eq!(reply.code, code.expose(), "step {step}");
    }
}

#[testkit::test]
async fn the_properties_of_token_and_credentials() {
    let bench = Bench::new(SLOTS).await;
    let token = format!("{ROOT}/tokens/{TOKEN}");
    let property = async |name: &str| bench.client().property::<String>(&token, "Token", name).await.unwrap();
    for (name, value) in [
        ("Id", TOKEN),
        ("Family", "otpslot"),
        ("Serial", "7050602"),
        ("Vendor", "Yubico"),
        ("Model", "YubiKey 5"),
        ("Firmware", "5.4.3"),
        ("Reader", ""),
        ("State", "ready"),
    ] {
        assert_eq!(property(name).await, value, "{name}");
    }
    let transports: Vec<String> = bench.client().property(&token, "Token", "Transports").await.unwrap();
    assert_eq!(transports, ["virtual"]);

    let bob = bench.credential("bob").await;
    let digits: u32 = bench.client().property(&bob, "Credential", "Digits").await.unwrap();
    assert_eq!(digits, 8);
    for (name, value) in
        [("Issuer", "Example"), ("Type", "totp"), ("Algorithm", "SHA1"), ("TouchRequired", "unknown")]
    {
        let has: String = bench.client().property(&bob, "Credential", name).await.unwrap();
        assert_eq!(has, value, "{name}");
    }
    // The OATH application of the same key is a token of its own, with the same serial number.
    let (found, _) = bench.client().find(&[("token", "7050602")]).await.unwrap();
    assert_eq!(found.len(), 3);
    assert_eq!(found.iter().filter(|path| path.contains("/ykoath_")).count(), 1);
}

#[testkit::test]
async fn a_slot_does_not_serve_cognito() {
    let profile = "[[hid.otp_slot]]\nserial = 7050602\nslot = 2\naccount = 'bob'\n\
         [profiles.work]\nregion = 'eu-central-1'\nendpoint_url = 'COGNITO_URL'\naccount = 'bob'\n";
    let bench = Bench::new(profile).await;
    let user = bench.world.cognito.ready_user("bob", b"12345678901234567890").unwrap();
    let options =
        || Options::from([("profile", "work".into()), ("access-token", user.access_token.as_str().into())]);
    let bob = bench.credential("bob").await;
    let commands = bench.key.otp_commands();
    for credential in [bob.as_str(), "/"] {
        let refusal = bench.client().verify(credential, options()).await.unwrap_err();
        assert_eq!(refusal.name, "Unsupported");
        assert!(refusal.sentence.contains("at most 20 bytes"), "{}", refusal.sentence);
    }
    assert_eq!(bench.key.otp_commands(), commands, "the key was not used");
    assert!(bench.world.cognito.log().is_empty(), "nothing was sent");
}

/// A slot and a credential of the OATH application with the same account.
const SAME_ACCOUNT: &str = "[[hid.otp_slot]]
serial = 7050602
slot = 2
account = 'alice'
[profiles.work]
region = 'eu-central-1'
endpoint_url = 'COGNITO_URL'
account = 'alice'
";

#[testkit::test]
async fn a_slot_is_no_candidate_beside_a_credential_that_can_serve_cognito() {
    let bench = Bench::new(SAME_ACCOUNT).await;
    let user = bench.world.cognito.ready_user("alice", b"12345678901234567890").unwrap();
    let token = user.access_token.as_str();
    let options = Options::from([("profile", "work".into()), ("access-token", token.into())]);
    assert_eq!(bench.client().verify("/", options).await.unwrap().status, "SUCCESS");
    assert_eq!(bench.client().find(&[("account", "alice")]).await.unwrap().0.len(), 2);
}

#[testkit::test]
async fn a_slot_is_no_candidate_beside_a_locked_token() {
    let config = format!("[pcsc]\nenabled = false\n{SAME_ACCOUNT}");
    let key = KEY.replace("touch = 'never'", "touch = 'never'\npassword = 'secret'");
    let world = Scenario::inside().virtual_tokens(&key).config(&config).start().await.unwrap();
    let user = world.cognito.ready_user("alice", b"12345678901234567890").unwrap();
    let token = user.access_token.as_str();
    let options = Options::from([
        ("profile", "work".into()),
        ("access-token", token.into()),
        ("interactive", false.into()),
    ]);
    let refusal = world.client.verify("/", options).await.unwrap_err();
    assert_eq!(refusal.name, "TokenLocked", "{}", refusal.sentence);
}

#[testkit::test]
async fn a_slot_has_no_password() {
    let bench = Bench::new(SLOTS).await;
    let refusal = bench.client().unlock(&format!("{ROOT}/tokens/{TOKEN}"), "secret").await.unwrap_err();
    assert_eq!(refusal.name, "Unsupported");
}
