//! A key whose codes require the user PIN.

use oathbridge::dbus::names::ROOT;
use oathbridge::secret::SecretText;
use oathbridge::virt::NitrokeyProFault as Fault;
use testkit::client::{Options, Refusal, memfd};
use zbus::Fd;

use super::{AUTHENTICATE, Bench, GET_CODE, KEY, READ_NAME, READ_SLOT, SET_TIME, TOKEN};

const PIN: &str = "123456";

/// The command that reads the attempts left.
const ATTEMPTS: u8 = 0x0f;

async fn bench() -> Bench {
    Bench::with(&KEY.replace("'nitrokey-pro'", "'nitrokey-pro'\npin = '123456'")).await
}

impl Bench {
    async fn unlock(&self, pin: &str, flags: &[(&'static str, bool)]) -> Result<(), Refusal> {
        let options =
            flags.iter().map(|(flag, value)| (*flag, (*value).into())).collect::<Options<'static>>();
        let token = format!("{ROOT}/tokens/{TOKEN}");
        let pin = memfd(pin.as_bytes()).unwrap();
        self.client().call(&token, "Token", "Unlock", &(Fd::from(pin), options)).await
    }

    fn attempts_at_pin(&self) -> usize {
        self.key.nitrokey_pro_commands().iter().filter(|command| **command == AUTHENTICATE).count()
    }
}

#[testkit::test]
async fn the_pin_unlocks_the_key_and_is_verified_for_each_code() {
    let bench = bench().await;
    assert_eq!(bench.token::<String>("State").await, "locked");
    assert!(bench.token::<bool>("PinSet").await);
    assert_eq!(bench.token::<i32>("AttemptsLeft").await, -1, "no reading disturbs the smart card");
    // There is nothing to touch, so a caller need not wait for a person.
    bench.unlock(PIN, &[("interactive", false)]).await.unwrap();
    assert_eq!(bench.token::<String>("State").await, "ready");
    assert_eq!(bench.client().find(&[]).await.unwrap().0.len(), 3);
    bench.set_time(59);
    let code = async { assert_eq!(bench.code("alice", &[]).await.unwrap(), "94287082") };
    assert_eq!(bench.sent(code).await, [0, ATTEMPTS, READ_SLOT, AUTHENTICATE, SET_TIME, GET_CODE, READ_NAME]);
    assert_eq!(bench.token::<i32>("AttemptsLeft").await, 3);
    assert_eq!(bench.code("counter", &["advance-counter"]).await.unwrap(), "755224");
    bench.client().call::<_, ()>(ROOT, "Manager", "Reload", &()).await.unwrap();
    assert_eq!(bench.client().find(&[]).await.unwrap().0.len(), 3, "a reading shows each of them once");
    assert_eq!(bench.attempts_at_pin(), 3, "and verifies no PIN");
}

#[testkit::test]
async fn the_last_attempt_is_spared() {
    let bench = bench().await;
    for left in [2, 1] {
        let refusal = bench.unlock("654321", &[]).await.unwrap_err();
        assert_eq!(refusal.name, "WrongPassword");
        assert!(refusal.sentence.contains(&format!("after {left} more")), "{}", refusal.sentence);
        assert_eq!(bench.token::<i32>("AttemptsLeft").await, left);
    }
    assert_eq!(bench.unlock(PIN, &[]).await.unwrap_err().name, "AttemptsLow");
    assert_eq!(bench.attempts_at_pin(), 2);
    bench.unlock(PIN, &[("allow-last-attempts", true)]).await.unwrap();
    assert_eq!(bench.token::<i32>("AttemptsLeft").await, 3);
}

#[testkit::test]
async fn a_blocked_pin_is_not_tried() {
    let bench = bench().await;
    for name in ["WrongPassword", "WrongPassword", "PinBlocked", "PinBlocked"] {
        let refusal = bench.unlock("654321", &[("allow-last-attempts", true)]).await.unwrap_err();
        assert_eq!(refusal.name, name);
    }
    assert_eq!(bench.attempts_at_pin(), 3);
    assert_eq!(bench.token::<i32>("AttemptsLeft").await, 0);
}

#[testkit::test]
async fn a_kept_pin_that_is_refused_is_tried_once_and_wiped() {
    let bench = bench().await;
    bench.unlock(PIN, &[]).await.unwrap();
    bench.key.change_nitrokey_pro_pin(&SecretText::from("111111"));
    let path = bench.credential("alice").await;
    let before = bench.attempts_at_pin();
    for _ in 0..3 {
        let options = Options::from([("interactive", false.into())]);
        assert_eq!(bench.client().calculate(&path, options).await.unwrap_err().name, "TokenLocked");
    }
    assert_eq!(bench.attempts_at_pin(), before + 1);
    assert_eq!(bench.token::<String>("State").await, "locked");
    assert_eq!(bench.token::<i32>("AttemptsLeft").await, 2);
    assert!(!bench.key.nitrokey_pro_commands().contains(&GET_CODE));
    bench.unlock("111111", &[]).await.unwrap();
    assert!(bench.code("alice", &[]).await.is_ok());
}

/// The answers to the PIN, and to the request for the attempts after a wrong PIN, may be lost.
#[testkit::test]
async fn a_kept_pin_whose_answer_is_lost_is_tried_once_and_wiped() {
    // The status, the attempts and the slot come before the PIN. A request for the attempts is sent twice.
    for (wrong, good_requests, damaged, attempts) in [(false, 3, 1, 0), (true, 4, 2, 1)] {
        let bench = bench().await;
        bench.unlock(PIN, &[]).await.unwrap();
        if wrong {
            bench.key.change_nitrokey_pro_pin(&SecretText::from("111111"));
        }
        let before = bench.attempts_at_pin();
        for _ in 0..good_requests {
            bench.key.fail_next_nitrokey_pro(Fault::None);
        }
        for _ in 0..damaged {
            bench.key.fail_next_nitrokey_pro(Fault::Damage);
        }
        let path = bench.credential("alice").await;
        for _ in 0..3 {
            let options = Options::from([("interactive", false.into())]);
            assert_eq!(bench.client().calculate(&path, options).await.unwrap_err().name, "TokenLocked");
        }
        assert_eq!(bench.attempts_at_pin(), before + attempts, "wrong: {wrong}");
        assert_eq!(bench.token::<String>("State").await, "locked");
    }
}

#[testkit::test]
async fn without_the_smart_card_the_pin_is_not_tried_and_not_wiped() {
    let bench = bench().await;
    bench.unlock(PIN, &[]).await.unwrap();
    let before = bench.attempts_at_pin();
    bench.key.set_nitrokey_pro_card_away(true);
    assert_eq!(bench.refusal("alice", &[]).await, "TokenBusy");
    assert_eq!(bench.unlock(PIN, &[]).await.unwrap_err().name, "TokenBusy");
    assert_eq!(bench.attempts_at_pin(), before);
    bench.key.set_nitrokey_pro_card_away(false);
    assert!(bench.code("alice", &[]).await.is_ok());
}

#[testkit::test]
async fn lock_wipes_the_pin() {
    let bench = bench().await;
    bench.unlock(PIN, &[]).await.unwrap();
    let token = format!("{ROOT}/tokens/{TOKEN}");
    bench.client().call::<_, ()>(&token, "Token", "Lock", &()).await.unwrap();
    assert_eq!(bench.token::<String>("State").await, "locked");
    assert_eq!(bench.client().find(&[]).await.unwrap().0.len(), 0);
}
