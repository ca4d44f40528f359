//! More than the limits allow is refused at once, and nobody else is hurt.

use std::collections::HashMap;

use futures_util::future::join_all;
use oathbridge::dbus::names::ROOT;
use testkit::client::Options;

use super::Bench;

#[tokio::test]
async fn more_codes_than_a_minute_allows() {
    let bench = Bench::new("[limits]\ncodes_per_minute = 3\n").await;
    for _ in 0..3 {
        bench.client.calculate(&bench.alice, Options::new()).await.unwrap();
    }
    let named = Options::from([("handle-token", "over".into())]);
    let refusal = bench.client.calculate(&bench.alice, named).await.unwrap_err();
    assert_eq!(refusal.name, "RateLimited");
    assert!(refusal.sentence.contains("seconds"), "{refusal:?}");
    // Another client has its own minute, and other calls are no codes.
    let other = bench.stage.client().await.unwrap();
    other.calculate(&bench.alice, Options::new()).await.unwrap();
    bench.client.find(&[]).await.unwrap();
}

#[tokio::test]
async fn more_calls_at_once_than_a_client_may_make() {
    let bench = Bench::new("[limits]\ncalls_per_client = 2\n").await;
    // They wait for a token that never comes.
    let absent = bench.alice.replace("/ykoath_", "/ykoath_00");
    let wait = || Options::from([("wait-for-token", true.into()), ("timeout", 10_u32.into())]);
    let calls = (0..6).map(|_| bench.client.calculate(&absent, wait()));
    let names: Vec<_> = join_all(calls).await.into_iter().map(|result| result.unwrap_err().name).collect();
    assert_eq!(names.iter().filter(|name| *name == "Busy").count(), 4, "{names:?}");
    assert_eq!(names.iter().filter(|name| *name == "TokenRemoved").count(), 2, "{names:?}");
    bench.client.calculate(&bench.alice, Options::new()).await.unwrap();
}

#[tokio::test]
async fn a_message_that_is_too_long() {
    let bench = Bench::new("[limits]\nmessage_kib = 16\n").await;
    let find = |length: usize| HashMap::from([("issuer", "x".repeat(length))]);
    let refusal =
        bench.client.call::<_, ()>(ROOT, "Manager", "FindCredentials", &find(17_000)).await.unwrap_err();
    assert_eq!(refusal.name, "org.freedesktop.DBus.Error.InvalidArgs");
    assert!(refusal.sentence.contains("message_kib"), "{refusal:?}");
    let empty: (Vec<zbus::OwnedObjectPath>, Vec<zbus::OwnedObjectPath>) =
        bench.client.call(ROOT, "Manager", "FindCredentials", &find(15_000)).await.unwrap();
    assert!(empty.0.is_empty());
}
