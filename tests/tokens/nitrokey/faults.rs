//! Each fault has its error within its deadline, and the next request succeeds.

use std::time::Duration;

use oathbridge::virt::FidoFault;
use testkit::client::{Event, Options};

use super::{Bench, TIMEOUT, TOKEN, named};

#[testkit::test]
async fn broken_responses_are_refused() {
    let bench = Bench::new().await;
    for fault in [
        FidoFault::Sequence,
        FidoFault::ReportLength(0x3f),
        FidoFault::ReportLength(65),
        FidoFault::Error(0x05),
    ] {
        bench.key.fail_next_fido(fault);
        assert_eq!(bench.refusal("alice").await, "Malformed", "{fault:?}");
        assert_eq!(bench.code("alice").await.len(), 8, "after {fault:?}");
    }
    bench.key.fail_next_fido(FidoFault::Stream(5_000));
    assert_eq!(bench.refusal("alice").await, "TokenStuck", "a flood");
    assert_eq!(bench.code("alice").await.len(), 8, "after a flood");
}

/// The kernel keeps 63 reports for a program and drops the newest.
#[testkit::test]
async fn a_response_that_is_lost_in_a_flood_ends_the_call_at_its_deadline() {
    let bench = Bench::new().await;
    bench.key.fail_next_fido(FidoFault::Flood(60));
    assert_eq!(bench.code("alice").await.len(), 8, "the response still fits");
    let fault = FidoFault::Flood(100);
    assert_eq!(refusal_at_the_deadline(&bench, fault, Duration::from_secs(3)).await, "TokenStuck");
    assert_eq!(bench.code("alice").await.len(), 8);

    // SELECT has no fault that matters, and CALCULATE has the flood.
    bench.key.fail_next_fido(FidoFault::Flood(1));
    bench.key.fail_next_fido(fault);
    let call = bench.touching(Options::from([("timeout", 90_u32.into())])).await;
    bench.key.touch();
    bench.wait(|key| key.wait_until_it_wants_no_touch(TIMEOUT)).await;
    bench.world.clock().unwrap().advance(Duration::from_secs(20));
    assert_eq!(call.await.unwrap().unwrap_err().name, "TokenStuck");
    assert_eq!(bench.code("alice").await.len(), 8);
    let log = bench.world.stage.log().unwrap();
    assert_eq!(log.matches("the key sends reports for other programs only").count(), 2, "{log}");
}

/// The refusal of a call whose first request has this fault, when the clock has moved.
async fn refusal_at_the_deadline(bench: &Bench, fault: FidoFault, deadline: Duration) -> String {
    let messages = bench.key.fido_messages();
    bench.key.fail_next_fido(fault);
    let call = bench.call("alice", Options::new()).await;
    bench.pass_in_calculation(messages + 1, deadline).await;
    call.await.unwrap().unwrap_err().name
}

#[testkit::test]
async fn a_key_that_does_not_respond_is_given_up() {
    let bench = Bench::new().await;
    for fault in [FidoFault::Stall, FidoFault::Channel] {
        let refusal = refusal_at_the_deadline(&bench, fault, Duration::from_secs(3)).await;
        assert_eq!(refusal, "TokenStuck", "{fault:?}");
        assert_eq!(bench.code("alice").await.len(), 8, "after {fault:?}");
    }
    let log = bench.world.stage.log().unwrap();
    assert!(log.contains("the key sends no response"), "{log}");
    assert!(log.contains("the key sends reports for other programs only"), "{log}");
}

#[testkit::test]
async fn a_key_that_is_pulled_out_within_a_request_comes_back() {
    let bench = Bench::new().await;
    let mut signals = bench.client().signals().await.unwrap();
    let before = bench.credential("alice").await;
    bench.key.fail_next_fido(FidoFault::Vanish);
    assert_eq!(bench.refusal("alice").await, "TokenRemoved");
    let place = format!("tokens/{TOKEN}");
    let is_removed = |event: &Event| matches!(event, Event::Removed { .. }) && event.place() == place;
    signals.until(is_removed).await.unwrap();
    bench.world.plug(&bench.key).await.unwrap();
    assert_eq!(bench.code("alice").await.len(), 8);
    assert_eq!(bench.credential("alice").await, before, "with the same path");
}

#[testkit::test]
async fn a_key_that_is_pulled_out_in_a_touch_wait_is_removed() {
    let bench = Bench::new().await;
    let call = bench.touching(named()).await;
    bench.key.unplug();
    assert_eq!(call.await.unwrap().unwrap_err().name, "TokenRemoved");
    bench.wait(|key| key.wait_until_it_wants_no_touch(TIMEOUT)).await;
}
