//! Equal requests share a calculation, but never the touch of another caller, and never a counter.

use std::time::Duration;

use testkit::client::{Client, Options};
use testkit::rig::step_with_room;

use super::{CALCULATE, calculating, other, rig, wants_a_touch};

/// Makes this number of calls per client at once, and returns the codes.
async fn at_once(
    clients: &[Client],
    credential: &str,
    each: usize,
    options: fn() -> Options<'static>,
) -> Vec<String> {
    let calls: Vec<_> = clients
        .iter()
        .flat_map(|client| (0..each).map(move |_| calculating(client, credential, options())))
        .collect();
    let mut codes = Vec::new();
    for call in calls {
        codes.push(call.await.unwrap().unwrap());
    }
    codes
}

#[tokio::test]
async fn equal_requests_of_one_caller_share_one_touch() {
    let rig = rig().await;
    let card = rig.card().unwrap();
    let bob = rig.client.credential("bob").await.unwrap();
    step_with_room(10).await;
    let before = card.count(CALCULATE);
    let calls: Vec<_> = (0..4).map(|_| calculating(&rig.client, &bob, Options::new())).collect();
    wants_a_touch(card).await;
    // All calls have arrived when a later call of the same connection is answered.
    rig.client.problems().await.unwrap();
    card.touch();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!(card.count(CALCULATE), before + 1);
}

#[tokio::test]
async fn callers_do_not_share_a_touch() {
    let rig = rig().await;
    let card = rig.card().unwrap();
    let bob = rig.client.credential("bob").await.unwrap();
    let stranger = other(&rig).await;
    step_with_room(15).await;
    let mine = calculating(&rig.client, &bob, Options::new());
    wants_a_touch(card).await;
    let theirs = calculating(&stranger, &bob, Options::new());
    stranger.problems().await.unwrap();
    card.touch();
    mine.await.unwrap().unwrap();
    assert!(!theirs.is_finished());
    wants_a_touch(card).await;
    card.touch();
    theirs.await.unwrap().unwrap();
}

#[tokio::test]
async fn callers_share_a_calculation_without_touch() {
    let rig = rig().await;
    let card = rig.card().unwrap();
    let alice = rig.client.credential("alice").await.unwrap();
    let clients = [rig.client.clone(), other(&rig).await, other(&rig).await];
    step_with_room(10).await;
    card.set_delay(Duration::from_millis(100));
    let before = card.count(CALCULATE);
    let codes = at_once(&clients, &alice, 3, Options::new).await;
    assert!(codes.iter().all(|code| *code == codes[0]));
    let calculations = card.count(CALCULATE) - before;
    assert!(calculations < 9, "{calculations} for 9 calls");
}

#[tokio::test]
async fn counters_are_never_shared() {
    let rig = rig().await;
    let dave = rig.client.credential("dave").await.unwrap();
    let counting = || Options::from([("advance-counter", true.into())]);
    let mut codes = at_once(std::slice::from_ref(&rig.client), &dave, 5, counting).await;
    codes.sort();
    codes.dedup();
    assert_eq!(codes.len(), 5);
    assert_eq!(rig.card().unwrap().hotp_counter("VPN:dave"), Some(5));
}
