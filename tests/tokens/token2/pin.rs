//! A key with a PIN, which is locked for good: its PIN needs an encrypted session.

use oathbridge::dbus::names::ROOT;
use testkit::client::Options;

use super::{Bench, KEY, TOKEN};

fn with_pin() -> String {
    KEY.replace("touch = 'never'", "touch = 'never'\npin = '135790'")
}

/// The error of an `Unlock`.
async fn unlock(bench: &Bench) -> (String, String) {
    let token = format!("{ROOT}/tokens/{TOKEN}");
    let refusal = bench.client().unlock(&token, "135790").await.unwrap_err();
    (refusal.name, refusal.sentence)
}

async fn assert_locked(bench: &Bench) {
    assert_eq!(bench.token::<String>("State").await, "locked");
    assert!(bench.client().find(&[]).await.unwrap().0.is_empty());
    let before = bench.key.commands();
    let (name, sentence) = unlock(bench).await;
    assert_eq!(name, "Unsupported", "{sentence}");
    assert!(sentence.contains("remove the PIN with Token2's program"), "{sentence}");
    assert!(bench.key.log()[before..].iter().all(|header| header[3] != 0x06), "no PIN is sent");
}

#[testkit::test]
async fn a_key_with_a_pin_is_locked_and_says_why_it_stays_so() {
    assert_locked(&Bench::with(&with_pin()).await).await;
}

#[testkit::test]
async fn a_card_with_a_pin_is_locked_and_says_why_it_stays_so() {
    assert_locked(&Bench::on_reader(&with_pin()).await).await;
}

/// Over HID the key tells neither.
#[testkit::test]
async fn a_reader_shows_the_attempts_left() {
    let bench = Bench::on_reader(&with_pin()).await;
    assert_eq!((bench.token::<bool>("PinSet").await, bench.token::<i32>("AttemptsLeft").await), (true, 100));
    bench.key.set_token2_pin(Some(0));
    assert_eq!(unlock(&bench).await.0, "PinBlocked");
}

async fn assert_noticed(bench: &Bench) {
    assert_eq!(bench.code("alice", Options::new()).await.unwrap().len(), 8);
    bench.key.set_token2_pin(Some(100));
    // Otherwise the call would wait for an `Unlock`.
    let alone = Options::from([("interactive", false.into())]);
    assert_eq!(bench.code("alice", alone).await.unwrap_err().name, "TokenLocked");
    assert_eq!(bench.token::<String>("State").await, "locked");
    bench.key.set_token2_pin(None);
    let token = format!("{ROOT}/tokens/{TOKEN}");
    bench.client().call::<_, ()>(&token, "Token", "Lock", &()).await.unwrap();
    assert_eq!(bench.token::<String>("State").await, "ready");
    assert_eq!(bench.code("alice", Options::new()).await.unwrap().len(), 8);
}

#[testkit::test]
async fn a_pin_that_another_program_sets_or_removes_is_noticed_over_hid() {
    assert_noticed(&Bench::new().await).await;
}

#[testkit::test]
async fn a_pin_that_another_program_sets_or_removes_is_noticed_on_a_reader() {
    assert_noticed(&Bench::on_reader(KEY).await).await;
}
