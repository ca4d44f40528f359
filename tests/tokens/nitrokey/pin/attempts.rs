//! The attempts at the PIN.

use std::time::Duration;

use oathbridge::virt::{FidoFault, TouchPolicy};
use testkit::client::Options;

use super::{Bench, PIN, SELECT, VERIFY, allowing, not_interactive, over_hid};

pub(super) async fn each_wrong_pin_costs_one_attempt(bench: Bench) {
    bench.unlock().await;
    for left in (3..8).rev() {
        let refused = async {
            let refusal = bench.unlock_with("654321", Options::new()).await.unwrap_err();
            assert_eq!(refusal.name, "WrongPassword");
            assert!(refusal.sentence.contains(&format!("after {left} more")), "{}", refusal.sentence);
        };
        assert_eq!(bench.sent(refused).await, [SELECT, VERIFY, SELECT]);
        assert_eq!(bench.token::<i32>("AttemptsLeft").await, left);
    }
    let spared = async {
        let refusal = bench.unlock_with(PIN, Options::new()).await.unwrap_err();
        assert_eq!(refusal.name, "AttemptsLow");
        assert!(refusal.sentence.contains("the option allow-last-attempts"), "{}", refusal.sentence);
        let hidden = bench.credential("hidden").await;
        let refusal = bench.client().calculate(&hidden, Options::new()).await.unwrap_err();
        assert_eq!(refusal.name, "AttemptsLow", "a kept PIN spends none of the last attempts");
    };
    assert_eq!(bench.sent(spared).await, [SELECT, SELECT], "no PIN is tried");
    bench.unlock_with(PIN, allowing()).await.unwrap();
    assert_eq!(bench.token::<i32>("AttemptsLeft").await, 8);
    assert_eq!(bench.code("hidden").await.len(), 8);

    for left in (0..8).rev() {
        let refusal = bench.unlock_with("654321", allowing()).await.unwrap_err();
        assert_eq!(refusal.name, if left == 0 { "PinBlocked" } else { "WrongPassword" }, "{left}");
    }
    let blocked = async {
        assert_eq!(bench.unlock_with(PIN, allowing()).await.unwrap_err().name, "PinBlocked");
        let hidden = bench.credential("hidden").await;
        let refusal = bench.client().calculate(&hidden, Options::new()).await.unwrap_err();
        assert_eq!(refusal.name, "PinBlocked");
    };
    assert!(!bench.sent(blocked).await.contains(&VERIFY), "a blocked PIN is not tried");
    assert_eq!(bench.token::<i32>("AttemptsLeft").await, 0);
    assert_eq!(bench.found().await, (1, true), "the kept PIN is of no use any more");
    assert_eq!(bench.code("public").await.len(), 8);
}

pub(super) async fn without_a_touch_the_pin_costs_nothing(bench: Bench) {
    let asked = async {
        let refusal = bench.unlock_with(PIN, not_interactive()).await.unwrap_err();
        assert_eq!(refusal.name, "TouchRequired");
    };
    assert_eq!(bench.sent(asked).await, [0; 0], "nothing is sent for a caller that waits for nobody");
    bench.key.set_touch_policy(TouchPolicy::Never);
    bench.key.set_touch_timeout(Duration::from_millis(100));
    let refusal = bench.unlock_with(PIN, Options::new()).await.unwrap_err();
    assert_eq!(refusal.name, "TouchTimeout");
    assert_eq!(bench.token::<i32>("AttemptsLeft").await, 8);
    assert_eq!(bench.found().await, (1, true));
}

/// The key may have carried it out, so it is not sent again.
#[testkit::test]
async fn a_dropped_pin_is_not_sent_again() {
    let bench = over_hid().await;
    // The first request is SELECT.
    for fault in [FidoFault::KeepAlive, FidoFault::Stranger] {
        bench.key.fail_next_fido(fault);
    }
    assert_eq!(bench.unlock_with(PIN, Options::new()).await.unwrap_err().name, "TokenBusy");
    assert_eq!(bench.found().await, (1, true));
    bench.unlock().await;
}
