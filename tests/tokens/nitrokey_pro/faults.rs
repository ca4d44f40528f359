//! Each fault has its error within its deadline, and the next request succeeds.

use std::time::Duration;

use oathbridge::virt::NitrokeyProFault as Fault;
use testkit::client::Options;

use super::{Bench, GET_CODE, TIMEOUT};

#[testkit::test]
async fn reports_of_another_length_are_refused() {
    let bench = Bench::new().await;
    for length in [63, 65] {
        bench.key.fail_next_nitrokey_pro(Fault::ReportLength(length));
        assert_eq!(bench.refusal("alice", &[]).await, "Malformed", "{length} bytes");
        bench.world.unplug(&bench.key).await.unwrap();
        bench.world.plug(&bench.key).await.unwrap();
        assert_eq!(bench.code("alice", &[]).await.unwrap().len(), 8);
    }
}

#[testkit::test]
async fn a_damaged_request_is_sent_again() {
    let bench = Bench::new().await;
    bench.key.fail_next_nitrokey_pro(Fault::Damage);
    assert_eq!(bench.code("alice", &[]).await.unwrap().len(), 8);
}

/// The refusal of a call whose first request has this fault, when the clock has moved.
async fn refusal_at_the_deadline(bench: &Bench, fault: Fault) -> String {
    let received = bench.key.nitrokey_pro_requests() + 1;
    bench.key.fail_next_nitrokey_pro(fault);
    let (client, path) = (bench.client().clone(), bench.credential("alice").await);
    let call = tokio::spawn(async move { client.calculate(&path, Options::new()).await });
    let key = bench.key.clone();
    let waiting = move || key.wait_for_nitrokey_pro_requests(received, TIMEOUT);
    assert!(tokio::task::spawn_blocking(waiting).await.unwrap());
    bench.world.clock().unwrap().advance(Duration::from_secs(3));
    call.await.unwrap().unwrap_err().name
}

#[testkit::test]
async fn a_key_that_does_not_respond_is_given_up() {
    for (fault, expected) in
        [(Fault::Checksum, "Malformed"), (Fault::Interference, "TokenStuck"), (Fault::Drop, "TokenStuck")]
    {
        let bench = Bench::new().await;
        assert_eq!(refusal_at_the_deadline(&bench, fault).await, expected, "{fault:?}");
        assert_eq!(bench.code("alice", &[]).await.unwrap().len(), 8, "after {fault:?}");
    }
}

#[testkit::test]
async fn a_key_that_stays_busy_is_given_up_until_it_is_plugged_in_again() {
    let bench = Bench::new().await;
    assert_eq!(refusal_at_the_deadline(&bench, Fault::Busy).await, "TokenStuck");
    bench.world.unplug(&bench.key).await.unwrap();
    bench.world.plug(&bench.key).await.unwrap();
    assert_eq!(bench.code("alice", &[]).await.unwrap().len(), 8);
}

#[testkit::test]
async fn a_key_that_is_pulled_out_within_a_request_comes_back() {
    let bench = Bench::new().await;
    let before = bench.credential("alice").await;
    bench.key.fail_next_nitrokey_pro(Fault::Vanish);
    assert_eq!(bench.refusal("alice", &[]).await, "TokenRemoved");
    assert!(!bench.key.nitrokey_pro_commands().contains(&GET_CODE));
    bench.world.plug(&bench.key).await.unwrap();
    assert_eq!(bench.code("alice", &[]).await.unwrap().len(), 8);
    assert_eq!(bench.credential("alice").await, before, "with the same path");
}
