//! Credentials that require a touch.

use std::time::Duration;

use oathbridge::dbus::names::ROOT;
use oathbridge::virt::FidoFault;
use testkit::client::{Event, Options};

use super::{Bench, TIMEOUT, named};

fn waits_for_touch(event: &Event) -> bool {
    event.value::<String>("State").as_deref() == Some("waiting-touch")
}

#[testkit::test]
async fn a_touch_gives_the_code_and_is_announced_at_once() {
    let bench = Bench::new().await;
    bench.world.clock().unwrap().set_unix_time(Duration::from_secs(59));
    let mut signals = bench.client().signals().await.unwrap();
    let call = bench.touching(named()).await;
    signals.until(waits_for_touch).await.unwrap();
    let prompt: String = bench.client().property(&format!("{ROOT}/prompt"), "Prompt", "Kind").await.unwrap();
    assert_eq!(prompt, "touch");
    bench.key.touch();
    assert_eq!(call.await.unwrap().unwrap(), "287082");
}

/// The list says that it requires no touch, but the key does not answer.
#[testkit::test]
async fn a_touch_that_the_list_does_not_show_is_announced_after_half_a_second() {
    let bench = Bench::new().await;
    let mut signals = bench.client().signals().await.unwrap();
    let messages = bench.in_calculation();
    // The first request is SELECT.
    for fault in [FidoFault::KeepAlive, FidoFault::Stall] {
        bench.key.fail_next_fido(fault);
    }
    let call = bench.call("alice", named()).await;
    bench.pass_in_calculation(messages, Duration::from_millis(499)).await;
    let state: String = bench.client().property(&bench.operation(), "Operation", "State").await.unwrap();
    assert_ne!(state, "waiting-touch");
    bench.world.clock().unwrap().advance(Duration::from_millis(1));
    signals.until(waits_for_touch).await.unwrap();
    let _: bool = bench.client().call(&bench.operation(), "Operation", "Cancel", &()).await.unwrap();
    assert_eq!(call.await.unwrap().unwrap_err().name, "Cancelled");
    assert_eq!(bench.code("alice").await.len(), 8);
}

#[testkit::test]
async fn a_cancellation_ends_the_wait_of_the_key() {
    let bench = Bench::new().await;
    let call = bench.touching(named()).await;
    let cancelled: bool = bench.client().call(&bench.operation(), "Operation", "Cancel", &()).await.unwrap();
    assert!(cancelled);
    assert_eq!(call.await.unwrap().unwrap_err().name, "Cancelled");
    bench.wait(|key| key.wait_until_it_wants_no_touch(TIMEOUT)).await;
    assert_eq!(bench.code("alice").await.len(), 8, "the key serves the next request at once");
}

#[testkit::test]
async fn a_caller_that_leaves_ends_the_wait_of_the_key() {
    let bench = Bench::new().await;
    let leaver = bench.world.stage.client().await.unwrap();
    let touched = bench.credential("touched").await;
    let client = leaver.clone();
    let call = tokio::spawn(async move { client.calculate(&touched, Options::new()).await.map(|_| ()) });
    bench.wait(|key| key.wait_until_it_wants_a_touch(TIMEOUT)).await;
    call.abort();
    leaver.connection().clone().close().await.unwrap();
    bench.wait(|key| key.wait_until_it_wants_no_touch(TIMEOUT)).await;
}

#[testkit::test]
async fn an_untouched_key_ends_its_wait_itself() {
    let bench = Bench::new().await;
    bench.key.set_touch_timeout(Duration::from_millis(100));
    assert_eq!(bench.refusal("touched").await, "TouchTimeout");
}

#[testkit::test]
async fn without_interactive_no_touch_is_awaited() {
    let bench = Bench::new().await;
    let alone = || Options::from([("interactive", false.into())]);
    let call = bench.call("touched", alone()).await;
    assert_eq!(call.await.unwrap().unwrap_err().name, "TouchRequired");
    assert_eq!(bench.call("alice", alone()).await.await.unwrap().unwrap().len(), 8);
}
