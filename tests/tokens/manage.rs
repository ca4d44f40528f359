//! Credentials are added, renamed and removed on a card behind a real pcscd, and Yubico's own tool sees them.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that panics has failed")]

use std::process::Command;

use oathbridge::otp::{Algorithm, Code, Digits, truncate};
use oathbridge::virt::Fault;
use testkit::client::{Client, Options, Refusal, memfd};
use testkit::scenario::{Scenario, World};
use zbus::{Fd, ObjectPath, OwnedObjectPath};

const TOKEN: &str = "[[token]]
serial = 31415926
touch = 'never'
credential = [{ issuer = 'AWS', account = 'alice', seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' }]
";

const LOCKED: &str = "[[token]]
serial = 31415926
password = 'correct horse'
credential = [{ account = 'alice', seed = 'GEZDGNBV' }]
";

/// The seed of 32 bytes, as Cognito's are.
const SEED: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZA";
const KEY: &[u8] = b"12345678901234567890123456789012";

const PUT: u8 = 0x01;

async fn add(world: &World, secret: &str, options: Options<'_>) -> Result<String, Refusal> {
    let token = token(world).await;
    let secret = Fd::from(memfd(secret.as_bytes()).unwrap());
    let added: OwnedObjectPath =
        world.client.call(&token, "Token", "AddCredential", &(secret, options)).await?;
    Ok(added.to_string())
}

async fn rename(world: &World, path: &str, issuer: &str, account: &str) -> Result<String, Refusal> {
    let body = (issuer, account, Options::new());
    let renamed: OwnedObjectPath = world.client.call(path, "Credential", "Rename", &body).await?;
    Ok(renamed.to_string())
}

async fn remove(world: &World, path: &str, is_confirmed: bool) -> Result<(), Refusal> {
    let options = Options::from([("confirm", is_confirmed.into())]);
    world.client.call(path, "Credential", "Remove", &options).await
}

async fn token(world: &World) -> String {
    world.client.find(&[]).await.unwrap();
    let objects = world.client.objects().await.unwrap();
    objects.into_keys().find(|path| path.contains("/tokens/")).unwrap()
}

async fn exists(world: &World, path: &str) -> bool {
    world.client.objects().await.unwrap().contains_key(path)
}

/// The names on the card, as Yubico's own tool lists them.
fn listed(world: &mut World) -> Vec<String> {
    let socket = world.pcscd().unwrap().socket();
    let output = Command::new(testkit::ykman::ykman().unwrap())
        .args(["--reader", "CCID 00 00", "oath", "accounts", "list"])
        .env("PCSCLITE_CSOCK_NAME", &socket)
        .env("XDG_DATA_HOME", socket.with_file_name("data"))
        .env("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

fn expected(algorithm: Algorithm, step: u64, digits: u8) -> String {
    let digest = algorithm.hmac(KEY, &step.to_be_bytes());
    Code::decimal(truncate(&digest).unwrap(), Digits::new(digits).unwrap()).expose().to_owned()
}

#[testkit::test]
async fn a_credential_of_a_uri_gives_the_codes_of_its_seed() {
    let mut world = Scenario::inside().cards(TOKEN).start().await.unwrap();
    let uri = format!(
        "otpauth://totp/AWS%20Cognito:bob?secret={SEED}&issuer=AWS+Cognito&algorithm=SHA256&digits=8"
    );
    let bob = add(&world, &uri, Options::new()).await.unwrap();
    assert!(exists(&world, &bob).await, "the object is there before the reply");
    let code = world.client.calculate(&bob, Options::new()).await.unwrap();
    assert_eq!(code.code, expected(Algorithm::Sha256, code.from / 30, 8));
    for (name, value) in [("Issuer", "AWS Cognito"), ("Account", "bob"), ("Algorithm", "SHA256")] {
        let has: String = world.client.property(&bob, "Credential", name).await.unwrap();
        assert_eq!(has, value, "{name}");
    }
    let touched =
        Options::from([("account", "carol".into()), ("period", 60_u32.into()), ("touch", true.into())]);
    let carol = add(&world, &SEED.to_lowercase(), touched).await.unwrap();
    let touch: String = world.client.property(&carol, "Credential", "TouchRequired").await.unwrap();
    assert_eq!(touch, "yes");
    let mut names = listed(&mut world);
    names.sort();
    assert_eq!(names, ["60/carol", "AWS Cognito:bob", "AWS:alice"]);
}

#[testkit::test]
async fn an_existing_credential_is_never_replaced() {
    let world = Scenario::inside().cards(TOKEN).start().await.unwrap();
    let alice = world.client.credential("alice").await.unwrap();
    let before = world.client.calculate(&alice, Options::new()).await.unwrap().code;
    let uri = format!("otpauth://totp/AWS:alice?secret={SEED}");
    assert_eq!(add(&world, &uri, Options::new()).await.unwrap_err().name, "AlreadyExists");
    assert_eq!(world.card().unwrap().count(PUT), 0);
    assert_eq!(world.client.calculate(&alice, Options::new()).await.unwrap().code, before);
    let bob = add(&world, SEED, Options::from([("account", "bob".into())])).await.unwrap();
    assert_eq!(rename(&world, &bob, "AWS", "alice").await.unwrap_err().name, "AlreadyExists");
}

#[testkit::test]
async fn a_full_token_says_so() {
    let many: String = (0..32).map(|n| format!("{{ account = 'a{n}', seed = 'GEZDGNBV' }},")).collect();
    let token = format!("[[token]]\nserial = 31415926\ncredential = [{many}]\n");
    let world = Scenario::inside().cards(&token).start().await.unwrap();
    let full = add(&world, SEED, Options::from([("account", "bob".into())])).await.unwrap_err();
    assert_eq!(full.name, "NoSpace");
    let a7 = world.client.credential("a7").await.unwrap();
    remove(&world, &a7, true).await.unwrap();
    add(&world, SEED, Options::from([("account", "bob".into())])).await.unwrap();
}

#[testkit::test]
async fn a_credential_is_removed_only_with_a_confirmation() {
    let mut world = Scenario::inside().cards(TOKEN).start().await.unwrap();
    let alice = world.client.credential("alice").await.unwrap();
    assert_eq!(remove(&world, &alice, false).await.unwrap_err().name, "ConfirmationRequired");
    assert!(exists(&world, &alice).await);
    remove(&world, &alice, true).await.unwrap();
    assert!(!exists(&world, &alice).await, "the object goes before the reply");
    assert_eq!(listed(&mut world), Vec::<String>::new());
}

/// The record of used time steps belongs to the seed and not to the name.
#[testkit::test]
async fn a_renamed_credential_keeps_its_used_time_steps() {
    let mut world = Scenario::inside().cards(TOKEN).start().await.unwrap();
    let alice = world.client.credential("alice").await.unwrap();
    let claim = || Options::from([("claim", true.into())]);
    world.client.calculate(&alice, claim()).await.unwrap();
    world.end_daemon().await.unwrap();
    world.start_daemon().await.unwrap();
    world.client.find(&[]).await.unwrap();
    let bob = rename(&world, &alice, "Shop", "bob").await.unwrap();
    assert!(exists(&world, &bob).await && !exists(&world, &alice).await);
    assert_eq!(world.client.calculate(&bob, claim()).await.unwrap_err().name, "StepSpent");
    assert_eq!(listed(&mut world), ["Shop:bob"]);
}

#[testkit::test]
async fn credentials_with_one_seed_share_their_used_time_steps() {
    let mut world = Scenario::inside().cards(TOKEN).start().await.unwrap();
    let bob = add(&world, SEED, Options::from([("account", "bob".into())])).await.unwrap();
    let path = ObjectPath::try_from(bob.as_str()).unwrap();
    let same = Options::from([("account", "carol".into()), ("same-seed-as", path.into())]);
    let carol = add(&world, SEED, same).await.unwrap();
    let other = add(&world, SEED, Options::from([("account", "dave".into())])).await.unwrap();
    let claim = || Options::from([("claim", true.into())]);
    world.client.calculate(&bob, claim()).await.unwrap();
    // The memory of sent codes ends with the daemon, and the record of the seed does not.
    world.end_daemon().await.unwrap();
    world.start_daemon().await.unwrap();
    assert_eq!(world.client.calculate(&carol, claim()).await.unwrap_err().name, "StepSpent");
    world.client.calculate(&other, claim()).await.unwrap();
}

#[testkit::test]
async fn a_locked_token_is_changed_once_it_is_unlocked() {
    let world = Scenario::inside().cards(LOCKED).start().await.unwrap();
    let bob = || Options::from([("account", "bob".into())]);
    assert_eq!(add(&world, SEED, bob()).await.unwrap_err().name, "TokenLocked");
    assert_eq!(world.card().unwrap().count(PUT), 0);
    let token = token(&world).await;
    world.client.unlock(&token, "correct horse").await.unwrap();
    let bob = add(&world, SEED, bob()).await.unwrap();
    world.client.calculate(&bob, Options::new()).await.unwrap();
}

/// The card may have carried the command out.
#[testkit::test]
async fn a_change_whose_answer_is_lost_is_not_repeated() {
    let mut world = Scenario::inside().cards(TOKEN).start().await.unwrap();
    world.client.find(&[]).await.unwrap();
    let card = world.card().unwrap().clone();
    // The answer to SELECT, CALCULATE ALL, LIST and PUT.
    for _ in 0..3 {
        card.fail_next(Fault::Pass);
    }
    card.fail_next(Fault::Vanish);
    let lost = add(&world, SEED, Options::from([("account", "bob".into())])).await.unwrap_err();
    assert_eq!(lost.name, "TokenRemoved");
    assert!(lost.sentence.contains("may have carried out"), "{lost:?}");
    assert_eq!(card.count(PUT), 1);
    world.pcscd().unwrap().insert(0, &card).unwrap();
    world.client.credential("alice").await.unwrap();
    assert_eq!(card.count(PUT), 1);
}

#[testkit::test]
async fn what_is_no_credential_is_refused_before_the_token_is_asked() {
    let world = Scenario::inside().cards(TOKEN).start().await.unwrap();
    world.client.find(&[]).await.unwrap();
    let before = world.card().unwrap().commands();
    for secret in ["otpauth://totp/x?issuer=y", "not base32!", "otpauth://motp/x?secret=GEZDGNBV"] {
        let refusal = add(&world, secret, Options::from([("account", "bob".into())])).await.unwrap_err();
        assert_eq!(refusal.name, "org.freedesktop.DBus.Error.InvalidArgs");
        assert!(
            !refusal.sentence.contains("GEZDGNBV") && !refusal.sentence.contains("base32!"),
            "{refusal:?}"
        );
    }
    assert_eq!(world.card().unwrap().commands(), before);
    let long = Options::from([("account", "x".repeat(65).into())]);
    assert_eq!(add(&world, SEED, long).await.unwrap_err().name, "Unsupported");
    assert_eq!(world.card().unwrap().count(PUT), 0);
}

#[testkit::test]
async fn a_credential_of_an_absent_token_waits_for_it() {
    let mut world = Scenario::inside().cards(TOKEN).start().await.unwrap();
    let alice = world.client.credential("alice").await.unwrap();
    world.pcscd().unwrap().remove(0).unwrap();
    while exists(&world, &alice).await {}
    assert_eq!(remove(&world, &alice, true).await.unwrap_err().name, "TokenRemoved");
    assert_eq!(rename(&world, &alice, "", "bob").await.unwrap_err().name, "TokenRemoved");
    let card = world.card().unwrap().clone();
    let options = Options::from([("wait-for-token", true.into()), ("handle-token", "waits".into())]);
    let client = Client::connect(world.stage.address()).await.unwrap();
    let body = ("", "bob", options);
    let waiting = client.call::<_, OwnedObjectPath>(&alice, "Credential", "Rename", &body);
    let inserting = async {
        let name = client.connection().unique_name().unwrap().trim_start_matches(':').replace('.', "_");
        let operation = format!("{}/operations/{name}/waits", oathbridge::dbus::names::ROOT);
        let waits = async || client.property::<String>(&operation, "Operation", "State").await;
        while waits().await.ok().as_deref() != Some("waiting-token") {}
    };
    tokio::pin!(waiting);
    tokio::select! {
        early = &mut waiting => panic!("{early:?}"),
        () = inserting => {}
    }
    world.pcscd().unwrap().insert(0, &card).unwrap();
    assert!(waiting.await.is_ok());
}

#[testkit::test]
async fn a_credential_of_a_locked_token_is_not_unknown() {
    let world = Scenario::inside().cards(LOCKED).start().await.unwrap();
    let token = token(&world).await;
    world.client.unlock(&token, "correct horse").await.unwrap();
    let alice = world.client.credential("alice").await.unwrap();
    let () = world.client.call(&token, "Token", "Lock", &()).await.unwrap();
    let options = Options::from([("confirm", true.into()), ("interactive", false.into())]);
    let refusal: Result<(), _> = world.client.call(&alice, "Credential", "Remove", &options).await;
    assert_eq!(refusal.unwrap_err().name, "TokenLocked");
}

#[testkit::test]
async fn the_administrator_s_policy_refuses_a_credential_without_touch() {
    let world = Scenario::inside().cards(TOKEN).start().await.unwrap();
    world.client.find(&[]).await.unwrap();
    world.restrict("[access]\nrequire_touch = true\n").await.unwrap();
    let bob = || Options::from([("account", "bob".into())]);
    let refusal = add(&world, SEED, bob()).await.unwrap_err();
    assert_eq!(refusal.name, "AccessDenied");
    assert!(refusal.sentence.contains("option touch"), "{refusal:?}");
    assert_eq!(world.card().unwrap().count(PUT), 0);
    let mut touched = bob();
    touched.insert("touch", true.into());
    add(&world, SEED, touched).await.unwrap();
}

#[testkit::test]
async fn the_same_seed_is_that_of_a_credential_that_exists() {
    let world = Scenario::inside().cards(TOKEN).start().await.unwrap();
    let alice = world.client.credential("alice").await.unwrap();
    let (token, _) = alice.rsplit_once('_').unwrap();
    let wrong = format!("{token}_0123456789abcdef");
    let same = Options::from([
        ("account", "bob".into()),
        ("same-seed-as", ObjectPath::try_from(wrong.as_str()).unwrap().into()),
    ]);
    assert_eq!(add(&world, SEED, same).await.unwrap_err().name, "NoSuchCredential");
    assert_eq!(world.card().unwrap().count(PUT), 0);
}

/// A Nitrokey 3 over HID, which answers LIST with the properties of its credentials.
const NITROKEY: &str = "[[token]]
serial = 16909060
model = 'nitrokey-3'
touch = 'never'
credential = [{ account = 'alice', seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' }]
";

/// Families without these commands.
const OTHERS: [&str; 2] = [
    "[[token]]\nserial = 1\nmodel = 'nitrokey-pro'\ncredential = [{ account = 'a', seed = 'GEZDGNBVGY3TQOJQ' }]\n",
    "[[token]]\nserial = 1\nmodel = 'token2-pin-plus'\ncredential = [{ account = 'a', seed = 'GEZDGNBVGY3TQOJQ' }]\n",
];

async fn over_hid(tokens: &str) -> World {
    Scenario::inside().virtual_tokens(tokens).config("[pcsc]\nenabled = false\n").start().await.unwrap()
}

#[testkit::test]
async fn a_nitrokey_is_changed_over_hid() {
    let world = over_hid(NITROKEY).await;
    let bob = add(&world, SEED, Options::from([("account", "bob".into())])).await.unwrap();
    let code = world.client.calculate(&bob, Options::new()).await.unwrap();
    assert_eq!(code.code, expected(Algorithm::Sha1, code.from / 30, 6));
    let unsupported = Options::from([("account", "carol".into()), ("algorithm", "SHA512".into())]);
    assert_eq!(add(&world, SEED, unsupported).await.unwrap_err().name, "Unsupported");
    assert_eq!(rename(&world, &bob, "Shop", "bob").await.unwrap_err().name, "Unsupported");
    remove(&world, &bob, true).await.unwrap();
    assert!(!exists(&world, &bob).await);
}

#[testkit::test]
async fn a_family_without_these_commands_says_so() {
    for token in OTHERS {
        let world = over_hid(token).await;
        let a = world.client.credential("a").await.unwrap();
        let refusals = [
            add(&world, SEED, Options::from([("account", "bob".into())])).await.unwrap_err(),
            rename(&world, &a, "", "b").await.unwrap_err(),
            remove(&world, &a, true).await.unwrap_err(),
        ];
        for refusal in refusals {
            assert_eq!(refusal.name, "Unsupported", "{token}: {refusal:?}");
        }
        assert!(exists(&world, &a).await);
    }
}
