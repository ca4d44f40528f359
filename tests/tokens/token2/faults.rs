//! Each fault over HID has its error within its deadline, and the next request succeeds.

use std::time::Duration;

use oathbridge::virt::Token2Fault as Fault;
use testkit::client::{Event, Options};

use super::{Bench, TIMEOUT, TOKEN};

/// The time between two moves of the clock.
const ROUND: Duration = Duration::from_millis(200);

#[testkit::test]
async fn broken_responses_are_refused() {
    let bench = Bench::new().await;
    for fault in [Fault::Sequence, Fault::ReportLength(63), Fault::ReportLength(65)] {
        bench.key.fail_next_token2(fault);
        assert_eq!(bench.refusal("alice").await, "Malformed", "{fault:?}");
        assert_eq!(bench.code("alice", Options::new()).await.unwrap().len(), 8, "after {fault:?}");
    }
    bench.key.fail_next_token2(Fault::Stream(5_000));
    assert_eq!(bench.refusal("alice").await, "TokenStuck", "a flood");
    assert_eq!(bench.code("alice", Options::new()).await.unwrap().len(), 8, "after a flood");
    let log = bench.world.stage.log().unwrap();
    assert!(log.contains("the key sent report 2 of the response instead of report 1"), "{log}");
}

#[testkit::test]
async fn reports_of_a_busy_key_and_of_other_programs_do_no_harm() {
    let bench = Bench::new().await;
    for fault in [Fault::Busy(50), Fault::Flood(50), Fault::Stream(200)] {
        bench.key.fail_next_token2(fault);
        assert_eq!(bench.code("alice", Options::new()).await.unwrap().len(), 8, "{fault:?}");
    }
}

#[testkit::test]
async fn a_key_that_does_not_respond_is_given_up() {
    let bench = Bench::new().await;
    for fault in [Fault::Stall, Fault::StaysBusy, Fault::BrokenOff] {
        let received = bench.key.fido_messages() + 1;
        bench.key.fail_next_token2(fault);
        let mut call = bench.call("alice", Options::new()).await;
        bench.wait(move |key| key.wait_for_fido_messages(received, TIMEOUT)).await;
        // The key's last report may be read after a move of the clock, and the silence begins with it.
        let result = loop {
            bench.world.clock().unwrap().advance(Duration::from_secs(3));
            if let Ok(result) = tokio::time::timeout(ROUND, &mut call).await {
                break result.unwrap();
            }
        };
        assert_eq!(result.unwrap_err().name, "TokenStuck", "{fault:?}");
        assert_eq!(bench.code("alice", Options::new()).await.unwrap().len(), 8, "after {fault:?}");
    }
    let log = bench.world.stage.log().unwrap();
    assert!(log.contains("the key sends no response"), "{log}");
    assert!(log.contains("the response of the key broke off"), "{log}");
}

#[testkit::test]
async fn a_list_that_does_not_end_is_no_shorter_list() {
    let bench = Bench::new().await;
    bench
        .replug(|key| {
            // The state of the PIN, and more pages than there can be.
            key.fail_next_token2(Fault::None);
            (0..100).for_each(|_| key.fail_next_token2(Fault::EndlessPages));
        })
        .await;
    assert_eq!(bench.token::<String>("State").await, "error");
    assert!(bench.client().find(&[]).await.unwrap().0.is_empty());
    let log = bench.world.stage.log().unwrap();
    assert!(log.contains("the list of entries does not end"), "{log}");
}

#[testkit::test]
async fn a_key_that_does_not_serve_codes_over_hid_has_no_credentials() {
    let bench = Bench::new().await;
    bench.world.unplug(&bench.key).await.unwrap();
    bench.key.fail_next_token2(Fault::NotServed);
    let messages = bench.key.fido_messages();
    bench.key.plug();
    bench.wait(move |key| key.wait_for_fido_messages(messages + 1, TIMEOUT)).await;
    assert!(bench.client().find(&[]).await.unwrap().0.is_empty());
    assert_eq!(bench.key.fido_messages(), messages + 1, "nothing else is sent");
    assert!(!bench.has_token().await);
}

/// The key's FIDO function is held up by each command, so it is asked once.
#[testkit::test]
async fn a_key_that_ignores_the_first_command_is_not_asked_again() {
    let bench = Bench::new().await;
    bench.world.unplug(&bench.key).await.unwrap();
    bench.key.fail_next_token2(Fault::Stall);
    let messages = bench.key.fido_messages();
    bench.key.plug();
    bench.wait(move |key| key.wait_for_fido_messages(messages + 1, TIMEOUT)).await;
    let found = async {
        // The daemon may begin to wait after a move of the clock.
        let client = bench.client();
        let mut call = std::pin::pin!(client.find(&[]));
        loop {
            bench.world.clock().unwrap().advance(Duration::from_secs(3));
            if let Ok(found) = tokio::time::timeout(ROUND, &mut call).await {
                break found.unwrap().0;
            }
        }
    };
    assert!(found.await.is_empty());
    bench.world.clock().unwrap().advance(Duration::from_secs(120));
    assert!(bench.client().find(&[]).await.unwrap().0.is_empty());
    assert!(!bench.has_token().await);
    assert_eq!(bench.key.fido_messages(), messages + 1, "nothing else is sent");
}

#[testkit::test]
async fn a_key_that_is_pulled_out_comes_back() {
    let bench = Bench::new().await;
    let mut signals = bench.client().signals().await.unwrap();
    bench.key.fail_next_token2(Fault::Vanish);
    assert_eq!(bench.refusal("alice").await, "TokenRemoved");
    let place = format!("tokens/{TOKEN}");
    let is_removed = |event: &Event| matches!(event, Event::Removed { .. }) && event.place() == place;
    signals.until(is_removed).await.unwrap();
    bench.world.plug(&bench.key).await.unwrap();
    assert_eq!(bench.code("alice", Options::new()).await.unwrap().len(), 8);
    let call = bench.call("touched", Options::new()).await;
    bench.wait(|key| key.wait_until_it_wants_a_touch(TIMEOUT)).await;
    bench.key.unplug();
    assert_eq!(call.await.unwrap().unwrap_err().name, "TokenRemoved");
}
