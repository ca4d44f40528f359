//! Entries that require a touch, over HID.

use std::time::Duration;

use oathbridge::dbus::names::ROOT;
use testkit::client::{Event, Options};

use super::{Bench, TIMEOUT};

fn named() -> Options<'static> {
    Options::from([("handle-token", "mine".into())])
}

#[testkit::test]
async fn a_touch_gives_the_code_and_is_announced() {
    let bench = Bench::new().await;
    bench.set_time(59);
    let mut signals = bench.client().signals().await.unwrap();
    let call = bench.call("touched", named()).await;
    bench.wait(|key| key.wait_until_it_wants_a_touch(TIMEOUT)).await;
    let waits = |event: &Event| event.value::<String>("State").as_deref() == Some("waiting-touch");
    signals.until(waits).await.unwrap();
    let prompt: String = bench.client().property(&format!("{ROOT}/prompt"), "Prompt", "Kind").await.unwrap();
    assert_eq!(prompt, "touch");
    bench.key.touch();
    assert_eq!(call.await.unwrap().unwrap(), "287082");
}

#[testkit::test]
async fn a_missing_touch_is_a_touch_timeout() {
    let bench = Bench::new().await;
    bench.key.set_touch_timeout(Duration::from_millis(100));
    assert_eq!(bench.refusal("touched").await, "TouchTimeout");
    assert_eq!(bench.code("alice", Options::new()).await.unwrap().len(), 8, "the key serves the next call");
}

/// There is no command that ends the wait, so the call ends at once, and the key's wait at its own time.
#[testkit::test]
async fn a_cancelled_call_ends_at_once_and_its_late_code_reaches_no_other_call() {
    let bench = Bench::new().await;
    bench.set_time(59);
    let call = bench.call("touched", named()).await;
    bench.wait(|key| key.wait_until_it_wants_a_touch(TIMEOUT)).await;
    let name = bench.client().connection().unique_name().unwrap().to_string();
    let operation = format!("{ROOT}/operations/{}/mine", name.trim_start_matches(':').replace('.', "_"));
    let cancelled: bool = bench.client().call(&operation, "Operation", "Cancel", &()).await.unwrap();
    assert!(cancelled);
    assert_eq!(call.await.unwrap().unwrap_err().name, "Cancelled");
    let next = bench.call("alice", Options::new()).await;
    bench.key.touch();
    assert_eq!(next.await.unwrap().unwrap(), "94287082");
}

#[testkit::test]
async fn without_interactive_no_touch_is_awaited() {
    let bench = Bench::new().await;
    let alone = || Options::from([("interactive", false.into())]);
    assert_eq!(bench.code("touched", alone()).await.unwrap_err().name, "TouchRequired");
    assert_eq!(bench.code("alice", alone()).await.unwrap().len(), 8);
}
