//! Slots that require a touch.

use std::time::Duration;

use oathbridge::dbus::names::ROOT;
use oathbridge::device::Reports;
use testkit::client::{Client, Event, Options, Refusal};
use tokio::task::JoinHandle;

use super::{Bench, SLOTS, TIMEOUT, wait};

const HANDLE: &str = "mine";

/// A call that waits for a touch, as the daemon has noticed.
async fn waiting(bench: &Bench, options: Options<'static>) -> JoinHandle<Result<String, Refusal>> {
    let touched = bench.credential("touched").await;
    let mut signals = bench.client().signals().await.unwrap();
    let client = bench.client().clone();
    let call = tokio::spawn(async move { client.calculate(&touched, options).await.map(|reply| reply.code) });
    let waits = |event: &Event| event.value::<String>("State").as_deref() == Some("waiting-touch");
    signals.until(waits).await.unwrap();
    call
}

fn operation(client: &Client) -> String {
    let name = client.connection().unique_name().unwrap().to_string();
    format!("{ROOT}/operations/{}/{HANDLE}", name.trim_start_matches(':').replace('.', "_"))
}

fn named() -> Options<'static> {
    Options::from([("handle-token", HANDLE.into())])
}

#[testkit::test]
async fn a_touch_gives_the_code_and_is_announced() {
    let bench = Bench::new(SLOTS).await;
    bench.world.clock().unwrap().set_unix_time(Duration::from_secs(59));
    let call = waiting(&bench, named()).await;
    let prompt: String = bench.client().property(&format!("{ROOT}/prompt"), "Prompt", "Kind").await.unwrap();
    assert_eq!(prompt, "touch");
    bench.key.touch();
    assert_eq!(call.await.unwrap().unwrap(), "287082");
}

#[testkit::test]
async fn a_cancellation_ends_the_wait_of_the_key() {
    let bench = Bench::new(SLOTS).await;
    let call = waiting(&bench, named()).await;
    let cancelled: bool =
        bench.client().call(&operation(bench.client()), "Operation", "Cancel", &()).await.unwrap();
    assert!(cancelled);
    assert_eq!(call.await.unwrap().unwrap_err().name, "Cancelled");
    wait(&bench.key, |key| key.wait_until_it_wants_no_touch(TIMEOUT)).await;
    assert_eq!(bench.code("bob").await.len(), 8, "the key serves the next request at once");
}

#[testkit::test]
async fn a_timeout_ends_the_wait_of_the_key() {
    let bench = Bench::new(SLOTS).await;
    let mut options = named();
    options.insert("timeout", 10_u32.into());
    let call = waiting(&bench, options).await;
    // The call waits for a touch until nine seconds before its deadline.
    bench.world.pass(Duration::from_secs(1)).await.unwrap();
    assert_eq!(call.await.unwrap().unwrap_err().name, "TouchTimeout");
    wait(&bench.key, |key| key.wait_until_it_wants_no_touch(TIMEOUT)).await;
}

#[testkit::test]
async fn a_caller_that_leaves_ends_the_wait_of_the_key() {
    let bench = Bench::new(SLOTS).await;
    let leaver = bench.world.stage.client().await.unwrap();
    let touched = bench.credential("touched").await;
    let (client, options) = (leaver.clone(), Options::new());
    let call = tokio::spawn(async move { client.calculate(&touched, options).await.map(|reply| reply.code) });
    wait(&bench.key, |key| key.wait_until_it_wants_a_touch(TIMEOUT)).await;
    call.abort();
    leaver.connection().clone().close().await.unwrap();
    wait(&bench.key, |key| key.wait_until_it_wants_no_touch(TIMEOUT)).await;
}

#[testkit::test]
async fn the_key_ends_its_wait_first() {
    let bench = Bench::new(SLOTS).await;
    let call = waiting(&bench, named()).await;
    bench.key.set_touch_timeout(Duration::ZERO);
    assert_eq!(call.await.unwrap().unwrap_err().name, "TouchTimeout");
}

#[testkit::test]
async fn without_interactive_no_touch_is_awaited() {
    let bench = Bench::new(SLOTS).await;
    let touched = bench.credential("touched").await;
    let alone = || Options::from([("interactive", false.into())]);
    let refusal = bench.client().calculate(&touched, alone()).await.unwrap_err();
    assert_eq!(refusal.name, "TouchRequired");
    wait(&bench.key, |key| key.wait_until_it_wants_no_touch(TIMEOUT)).await;
    let bob = bench.credential("bob").await;
    bench.client().calculate(&bob, alone()).await.unwrap();
}

#[testkit::test]
async fn another_program_that_resets_the_key_ends_the_call() {
    let bench = Bench::new(SLOTS).await;
    let call = waiting(&bench, named()).await;
    bench.key.keyboard().unwrap().send(&[0, 0, 0, 0, 0, 0, 0, 0xff]).unwrap();
    assert_eq!(call.await.unwrap().unwrap_err().name, "TouchTimeout");
}
