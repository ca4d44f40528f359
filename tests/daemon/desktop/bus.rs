//! A system bus that starts late, or is lost and returns.

use testkit::client::Options;
use testkit::dbusmock::Mock;

use super::session::{add_session, lock, sleep, until_inhibitors, until_state};
use super::{Bench, until};

/// The messages in the journal.
const LOST: &str = "the system bus is not reachable";

const BACK: &str = "the system bus is reachable again";

async fn until_told(bench: &Bench, what: &str) {
    until(what, async || bench.stage.log().unwrap().contains(what)).await;
}

#[testkit::test]
async fn losing_the_system_bus_unlocks_nothing_and_its_return_is_noticed() {
    let bench = Bench::prepare("").await;
    let logind = Mock::logind(bench.system().unwrap()).await.unwrap();
    add_session(&logind).await;
    let mut bench = bench.start().await;
    let bob = bench.client.credential("bob").await.unwrap();
    lock(&logind, true).await;
    until_state(&bench, "locked").await;
    drop(logind);
    bench.system_mut().unwrap().stop().unwrap();
    until_told(&bench, LOST).await;
    assert_eq!(bench.client.calculate(&bob, Options::new()).await.unwrap_err().name, "ScreenLocked");

    bench.system_mut().unwrap().start_again().unwrap();
    until_told(&bench, BACK).await;
    // logind is not running yet, so the state cannot change.
    assert_eq!(bench.client.calculate(&bob, Options::new()).await.unwrap_err().name, "ScreenLocked");
    let logind = Mock::logind(bench.system().unwrap()).await.unwrap();
    add_session(&logind).await;
    lock(&logind, false).await;
    bench.until_unlocked().await;
    lock(&logind, true).await;
    until_state(&bench, "locked").await;
    assert_eq!(bench.client.calculate(&bob, Options::new()).await.unwrap_err().name, "ScreenLocked");
    assert_eq!(bench.stage.log().unwrap().matches(LOST).count(), 1, "each loss is logged once");
}

#[testkit::test]
async fn a_system_bus_that_starts_late_is_noticed() {
    let mut bench = Bench::prepare("").await;
    bench.system_mut().unwrap().stop().unwrap();
    let mut bench = bench.start().await;
    until_told(&bench, LOST).await;
    bench.system_mut().unwrap().start_again().unwrap();
    let logind = Mock::logind(bench.system().unwrap()).await.unwrap();
    until_inhibitors(&logind, 1).await;
    add_session(&logind).await;
    lock(&logind, true).await;
    until_state(&bench, "locked").await;
}

#[testkit::test]
async fn losing_the_system_bus_during_a_suspend_does_not_block_calls() {
    let mut bench = Bench::prepare("").await.start().await;
    let logind = Mock::logind(bench.system().unwrap()).await.unwrap();
    until_inhibitors(&logind, 1).await;
    sleep(&logind, true).await;
    until_inhibitors(&logind, 0).await;
    bench.system_mut().unwrap().stop().unwrap();
    until_told(&bench, LOST).await;
    bench.until_unlocked().await;
}
