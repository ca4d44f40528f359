//! The password of a card behind a real pcscd is set, changed and cleared, and Yubico's own tool agrees.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that panics has failed")]

use std::process::{Command, Output};

use oathbridge::virt::Fault;
use testkit::client::{Options, Refusal, memfd};
use testkit::scenario::{Scenario, World};
use zbus::Fd;

const TOKEN: &str = "[[token]]
serial = 31415926
touch = 'never'
credential = [{ issuer = 'AWS', account = 'alice', seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' }]
";

const LOCKED: &str = "[[token]]
serial = 31415926
touch = 'never'
password = 'correct horse'
credential = [{ issuer = 'AWS', account = 'alice', seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' }]
";

const SET_CODE: u8 = 0x03;

fn secret(text: &str) -> Fd<'static> {
    Fd::from(memfd(text.as_bytes()).unwrap())
}

async fn token(world: &World) -> String {
    world.client.find(&[]).await.unwrap();
    let objects = world.client.objects().await.unwrap();
    objects.into_keys().find(|path| path.contains("/tokens/")).unwrap()
}

async fn state(world: &World) -> String {
    world.client.property(&token(world).await, "Token", "State").await.unwrap()
}

/// Sets the password; an empty one clears it.
async fn set(world: &World, new: &str, current: Option<&str>) -> Result<(), Refusal> {
    let mut options = Options::from([("confirm", true.into())]);
    if new.is_empty() {
        options.insert("clear", true.into());
    }
    if let Some(current) = current {
        options.insert("current", secret(current).into());
    }
    world.client.call(&token(world).await, "Token", "SetPassword", &(secret(new), options)).await
}

/// Yubico's own tool lists the credentials with a password, or without one.
fn ykman(world: &mut World, password: Option<&str>) -> Output {
    let socket = world.pcscd().unwrap().socket();
    Command::new(testkit::ykman::ykman().unwrap())
        .args(["--reader", "CCID 00 00", "oath", "accounts", "list"])
        .args(password.iter().flat_map(|password| ["--password", password]))
        .env("PCSCLITE_CSOCK_NAME", &socket)
        .env("XDG_DATA_HOME", socket.with_file_name("data"))
        .env("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
        .output()
        .unwrap()
}

#[track_caller]
fn ykman_lists_alice(world: &mut World, password: Option<&str>) {
    let output = ykman(world, password);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "AWS:alice");
}

#[testkit::test]
async fn a_password_is_set_changed_and_cleared() {
    let mut world = Scenario::inside().cards(TOKEN).start().await.unwrap();
    let alice = world.client.credential("alice").await.unwrap();
    set(&world, "first", None).await.unwrap();
    assert_eq!(state(&world).await, "ready", "the daemon keeps the key");
    world.client.calculate(&alice, Options::new()).await.unwrap();
    ykman_lists_alice(&mut world, Some("first"));
    assert!(!ykman(&mut world, Some("other")).status.success());

    // With the kept key, and then with the current password alone.
    set(&world, "second", None).await.unwrap();
    let path = token(&world).await;
    let () = world.client.call(&path, "Token", "Lock", &()).await.unwrap();
    assert_eq!(state(&world).await, "locked");
    assert_eq!(set(&world, "third", None).await.unwrap_err().name, "TokenLocked");
    assert_eq!(set(&world, "third", Some("first")).await.unwrap_err().name, "WrongPassword");
    set(&world, "third", Some("second")).await.unwrap();
    assert_eq!(state(&world).await, "ready");
    ykman_lists_alice(&mut world, Some("third"));

    set(&world, "", Some("third")).await.unwrap();
    ykman_lists_alice(&mut world, None);
    world.client.calculate(&alice, Options::new()).await.unwrap();
}

#[testkit::test]
async fn a_password_is_changed_only_with_a_confirmation_and_a_secret() {
    let world = Scenario::inside().cards(TOKEN).start().await.unwrap();
    let path = token(&world).await;
    let call = async |new: &str, options: Options<'_>| -> Result<(), Refusal> {
        world.client.call(&path, "Token", "SetPassword", &(secret(new), options)).await
    };
    assert_eq!(call("new", Options::new()).await.unwrap_err().name, "ConfirmationRequired");
    let confirmed = || Options::from([("confirm", true.into())]);
    let invalid = "org.freedesktop.DBus.Error.InvalidArgs";
    assert_eq!(call("", confirmed()).await.unwrap_err().name, invalid);
    let text = Options::from([("confirm", true.into()), ("current", "a string".into())]);
    assert_eq!(call("new", text).await.unwrap_err().name, invalid);
    assert_eq!(world.card().unwrap().count(SET_CODE), 0);
}

#[testkit::test]
async fn a_token_refuses_five_wrong_passwords_and_then_rests() {
    let world = Scenario::inside().cards(LOCKED).start().await.unwrap();
    for _ in 0..5 {
        assert_eq!(set(&world, "new", Some("wrong")).await.unwrap_err().name, "WrongPassword");
    }
    let refusal = set(&world, "new", Some("correct horse")).await.unwrap_err();
    assert_eq!(refusal.name, "RateLimited");
    assert!(refusal.sentence.contains("too many passwords"), "{refusal:?}");
    let path = token(&world).await;
    assert_eq!(world.client.unlock(&path, "correct horse").await.unwrap_err().name, "RateLimited");
    assert_eq!(world.card().unwrap().count(SET_CODE), 0);
}

/// The card may have carried the command out.
#[testkit::test]
async fn a_password_whose_answer_is_lost_is_not_set_twice() {
    let mut world = Scenario::inside().cards(TOKEN).start().await.unwrap();
    world.client.find(&[]).await.unwrap();
    let card = world.card().unwrap().clone();
    // The answer to SELECT and then that to SET CODE.
    card.fail_next(Fault::Pass);
    card.fail_next(Fault::Vanish);
    let lost = set(&world, "new", None).await.unwrap_err();
    assert_eq!(lost.name, "TokenRemoved");
    assert!(lost.sentence.contains("may have carried out"), "{lost:?}");
    assert_eq!(card.count(SET_CODE), 1);
    world.pcscd().unwrap().insert(0, &card).unwrap();
    let path = token(&world).await;
    world.client.unlock(&path, "new").await.unwrap();
    assert_eq!(card.count(SET_CODE), 1);
}

/// Tokens with a PIN, and a token whose slots have neither.
const OTHERS: [&str; 3] = [
    "[[token]]\nserial = 1\nmodel = 'nitrokey-3'\ncredential = [{ account = 'a', seed = 'GEZDGNBVGY3TQOJQ' }]\n",
    "[[token]]\nserial = 1\nmodel = 'nitrokey-pro'\ncredential = [{ account = 'a', seed = 'GEZDGNBVGY3TQOJQ' }]\n",
    "[[token]]\nserial = 1\nmodel = 'token2-pin-plus'\ncredential = [{ account = 'a', seed = 'GEZDGNBVGY3TQOJQ' }]\n",
];

#[testkit::test]
async fn a_family_without_a_password_says_so() {
    for tokens in OTHERS {
        let config = "[pcsc]\nenabled = false\n";
        let world = Scenario::inside().virtual_tokens(tokens).config(config).start().await.unwrap();
        assert_eq!(set(&world, "new", None).await.unwrap_err().name, "Unsupported", "{tokens}");
        let can: Vec<String> =
            world.client.property(&token(&world).await, "Token", "Capabilities").await.unwrap();
        assert!(can.contains(&"pin".to_owned()) && !can.contains(&"password".to_owned()), "{can:?}");
    }
}

#[testkit::test]
async fn a_yubikey_says_what_it_can_do_and_how_much_it_holds() {
    let world = Scenario::inside().cards(TOKEN).start().await.unwrap();
    let path = token(&world).await;
    let can: Vec<String> = world.client.property(&path, "Token", "Capabilities").await.unwrap();
    assert_eq!(can, ["add", "rename", "remove", "password"]);
    let holds: u32 = world.client.property(&path, "Token", "Capacity").await.unwrap();
    assert_eq!(holds, 32);
}
