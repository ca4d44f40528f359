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

#[testkit::test]
async fn a_key_with_a_pin_is_locked_and_says_why_it_stays_so() {
    for bench in [Bench::with(&with_pin()).await, Bench::on_reader(&with_pin()).await] {
        assert_eq!(bench.token::<String>("State").await, "locked");
        assert!(bench.client().find(&[]).await.unwrap().0.is_empty());
        let before = bench.key.commands();
        let (name, sentence) = unlock(&bench).await;
        assert_eq!(name, "Unsupported", "{sentence}");
        assert!(sentence.contains("remove the PIN with Token2's program"), "{sentence}");
        assert!(bench.key.log()[before..].iter().all(|header| header[3] != 0x06), "no PIN is sent");
    }
}

/// Over HID the key tells neither.
#[testkit::test]
async fn a_reader_shows_the_attempts_left() {
    let bench = Bench::on_reader(&with_pin()).await;
    assert_eq!((bench.token::<bool>("PinSet").await, bench.token::<i32>("AttemptsLeft").await), (true, 100));
    bench.key.set_token2_pin(Some(0));
    assert_eq!(unlock(&bench).await.0, "PinBlocked");
}

#[testkit::test]
async fn a_pin_that_another_program_sets_or_removes_is_noticed() {
    for bench in [Bench::new().await, Bench::on_reader(KEY).await] {
        assert_eq!(bench.code("alice", Options::new()).await.unwrap().len(), 8);
        let call = bench.call("alice", Options::new());
        let before = bench.key.log().len();
        bench.key.set_token2_pin(Some(100));
        assert_eq!(call.await.await.unwrap().unwrap_err().name, "TokenLocked");
        assert!(bench.key.log().len() > before);
        assert_eq!(bench.token::<String>("State").await, "locked");
        bench.key.set_token2_pin(None);
        bench.client().call::<_, ()>(ROOT, "Manager", "LockAll", &()).await.unwrap();
        bench.client().find(&[]).await.unwrap();
        assert_eq!(bench.token::<String>("State").await, "ready");
        assert_eq!(bench.code("alice", Options::new()).await.unwrap().len(), 8);
    }
}
