//! Keys are remembered in the real GNOME Keyring, and used when their token returns.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that panics has failed")]

mod asking;

use std::process::Command;

use oathbridge::dbus::names::ROOT;
use testkit::client::{Options, Refusal, memfd};
use testkit::keyring::Keyring;
use testkit::scenario::{Scenario, World};
use zbus::Fd;

const PASSWORD: &str = "correct horse";

const LOCKED: &str = "[[token]]
serial = 31415926
touch = 'never'
password = 'correct horse'
credential = [{ issuer = 'AWS', account = 'alice', seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' }]
";

/// The command of YKOATH that proves a key.
const VALIDATE: u8 = 0xa3;

async fn world(keyring: bool) -> (World, Option<Keyring>) {
    let mut world = Scenario::inside().cards(LOCKED).prepare().await.unwrap();
    let keyring = if keyring { Some(Keyring::start(world.stage.address()).await.unwrap()) } else { None };
    world.start_daemon().await.unwrap();
    (world, keyring)
}

async fn token(world: &World) -> String {
    world.client.find(&[]).await.unwrap();
    let objects = world.client.objects().await.unwrap();
    objects.into_keys().find(|path| path.contains("/tokens/")).unwrap()
}

async fn state(world: &World) -> String {
    world.client.property(&token(world).await, "Token", "State").await.unwrap()
}

/// `Unlock` with the option `remember`.
async fn remember(world: &World, password: &str) -> Result<(), Refusal> {
    let secret = Fd::from(memfd(password.as_bytes()).unwrap());
    let options = Options::from([("remember", true.into())]);
    world.client.call(&token(world).await, "Token", "Unlock", &(secret, options)).await
}

/// A code of alice, without a question to a person. The path is that of a credential that the locked token does not show.
async fn code(world: &World, alice: &str) -> Result<(), Refusal> {
    let options = Options::from([("interactive", false.into())]);
    world.client.calculate(alice, options).await.map(drop)
}

async fn reinsert(world: &mut World) {
    let card = world.card().unwrap().clone();
    world.pcscd().unwrap().remove(0).unwrap();
    world.pcscd().unwrap().insert(0, &card).unwrap();
}

#[testkit::test]
async fn a_remembered_token_needs_no_password_when_it_returns_and_after_a_restart() {
    let (mut world, _keyring) = world(true).await;
    remember(&world, PASSWORD).await.unwrap();
    let alice = world.client.credential("alice").await.unwrap();
    reinsert(&mut world).await;
    code(&world, &alice).await.unwrap();
    world.end_daemon().await.unwrap();
    world.start_daemon().await.unwrap();
    code(&world, &alice).await.unwrap();
    assert_eq!(state(&world).await, "ready");
}

#[testkit::test]
async fn after_a_lock_the_key_is_not_used_until_the_next_unlock() {
    let (mut world, _keyring) = world(true).await;
    remember(&world, PASSWORD).await.unwrap();
    let alice = world.client.credential("alice").await.unwrap();
    for (path, method) in [(token(&world).await.as_str(), "Lock"), (ROOT, "LockAll")] {
        let interface = if path == ROOT { "Manager" } else { "Token" };
        let () = world.client.call(path, interface, method, &()).await.unwrap();
        assert_eq!(code(&world, &alice).await.unwrap_err().name, "TokenLocked");
        reinsert(&mut world).await;
        assert_eq!(code(&world, &alice).await.unwrap_err().name, "TokenLocked");
        world.client.unlock(&token(&world).await, PASSWORD).await.unwrap();
        reinsert(&mut world).await;
        code(&world, &alice).await.unwrap();
    }
}

/// Yubico's own tool changes the password. The key is tried once, and is then no longer in the keyring.
#[testkit::test]
async fn a_key_that_the_token_refuses_is_forgotten() {
    let (mut world, _keyring) = world(true).await;
    remember(&world, PASSWORD).await.unwrap();
    let alice = world.client.credential("alice").await.unwrap();
    world.end_daemon().await.unwrap();
    let socket = world.pcscd().unwrap().socket();
    let changed = Command::new(testkit::ykman::ykman().unwrap())
        .args(["--reader", "CCID 00 00", "oath", "access", "change"])
        .args(["--password", PASSWORD, "--new-password", "another"])
        .env("PCSCLITE_CSOCK_NAME", &socket)
        .env("XDG_DATA_HOME", socket.with_file_name("data"))
        .env("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
        .output()
        .unwrap();
    assert!(changed.status.success(), "{changed:?}");
    let card = world.card().unwrap().clone();
    let before = card.count(VALIDATE);
    world.start_daemon().await.unwrap();
    assert_eq!(code(&world, &alice).await.unwrap_err().name, "TokenLocked");
    assert_eq!(card.count(VALIDATE), before + 1);
    for _ in 0..2 {
        reinsert(&mut world).await;
        assert_eq!(code(&world, &alice).await.unwrap_err().name, "TokenLocked");
    }
    assert_eq!(card.count(VALIDATE), before + 1, "the keyring has none");
}

#[testkit::test]
async fn a_changed_password_is_remembered_in_the_place_of_the_old_one() {
    let (mut world, _keyring) = world(true).await;
    remember(&world, PASSWORD).await.unwrap();
    let alice = world.client.credential("alice").await.unwrap();
    let new = Fd::from(memfd(b"another").unwrap());
    let options = Options::from([("confirm", true.into())]);
    let () = world.client.call(&token(&world).await, "Token", "SetPassword", &(new, options)).await.unwrap();
    reinsert(&mut world).await;
    code(&world, &alice).await.unwrap();
}

#[testkit::test]
async fn without_a_keyring_the_token_is_unlocked_and_the_caller_told() {
    let (mut world, _) = world(false).await;
    assert_eq!(remember(&world, "wrong").await.unwrap_err().name, "WrongPassword");
    let refusal = remember(&world, PASSWORD).await.unwrap_err();
    assert_eq!(refusal.name, "NotRemembered");
    assert!(refusal.sentence.contains("no keyring"), "{refusal:?}");
    assert_eq!(state(&world).await, "ready");
    reinsert(&mut world).await;
    assert_eq!(state(&world).await, "locked");
}

#[testkit::test]
async fn a_pin_and_a_missing_password_are_not_remembered() {
    for (text, word) in [
        ("model = 'nitrokey-3'\npin = '123456'", "PIN"),
        ("model = 'nitrokey-pro'\npin = '123456'", "PIN"),
        ("touch = 'never'", "password"),
    ] {
        let world = Scenario::inside().virtual_tokens(&format!("[[token]]\nserial = 1\n{text}\n"));
        let world = world.start().await.unwrap();
        let refusal = remember(&world, "123456").await.unwrap_err();
        assert_eq!(refusal.name, "Unsupported", "{text}");
        assert!(refusal.sentence.contains(word), "{refusal:?}");
    }
}
