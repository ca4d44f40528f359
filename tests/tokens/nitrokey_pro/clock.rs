//! The clock of the key, and the time step of a code.

use std::time::Duration;

use testkit::client::Options;

use super::{Bench, GET_CODE, KEY, SET_TIME};

const INVALID: &str = "org.freedesktop.DBus.Error.InvalidArgs";
const NOW: u64 = 1_111_111_109;

#[testkit::test]
async fn a_clock_that_is_ahead_is_set_back_only_with_the_option() {
    let bench = Bench::new().await;
    bench.set_time(NOW);
    bench.key.set_nitrokey_pro_clock(Duration::from_secs(NOW + 3_600));
    let refused = async {
        let refusal = bench.code("alice", &[]).await.unwrap_err();
        assert_eq!(refusal.name, "ClockBehind");
        assert!(refusal.sentence.contains("--set-time"), "{}", refusal.sentence);
    };
    assert!(!bench.sent(refused).await.contains(&GET_CODE));
    assert_eq!(bench.code("alice", &["set-time"]).await.unwrap(), "07081804");
    assert_eq!(bench.code("alice", &[]).await.unwrap(), "07081804", "from now on the clock is right");
}

#[testkit::test]
async fn the_option_is_for_codes_that_need_the_clock() {
    let yubikey = "[[token]]\nserial = 7\ncredential = [{ account = 'bob', seed = 'me' }]\n";
    let bench = Bench::with(&[KEY, yubikey].concat()).await;
    assert_eq!(bench.refusal("counter", &["advance-counter", "set-time"]).await, INVALID);
    assert_eq!(bench.refusal("bob", &["set-time"]).await, INVALID);
    assert!(bench.code("bob", &[]).await.is_ok());
}

#[testkit::test]
async fn the_clock_is_never_set_ahead() {
    let bench = Bench::new().await;
    bench.set_time(NOW);
    let next = async { assert_eq!(bench.refusal("alice", &["next"]).await, "Unsupported") };
    assert!(!bench.sent(next).await.contains(&SET_TIME));
}

#[testkit::test]
async fn a_claimed_code_is_that_of_the_recorded_step() {
    let bench = Bench::new().await;
    let alice = bench.credential("alice").await;
    // The last second of a step, and the first one of the next.
    for (time, code) in [(NOW, "07081804"), (NOW + 1, "14050471")] {
        bench.set_time(time);
        let claim = Options::from([("claim", true.into())]);
        let reply = bench.client().calculate(&alice, claim.clone()).await.unwrap();
        assert_eq!((reply.code.as_str(), reply.from), (code, time - time % 30));
        assert_eq!(bench.client().calculate(&alice, claim).await.unwrap_err().name, "StepSpent");
    }
}
