//! Equal requests share a calculation, but never the touch of another caller, and never a counter.

use std::time::Duration;

use testkit::client::{Client, Options};

use super::{CALCULATE, calculating, other, wants_a_touch, world};

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

#[testkit::test]
async fn equal_requests_of_one_caller_share_one_touch() {
    let world = world().await;
    let card = world.card().unwrap();
    let bob = world.client.credential("bob").await.unwrap();
    let before = card.count(CALCULATE);
    let calls: Vec<_> = (0..4).map(|_| calculating(&world.client, &bob, Options::new())).collect();
    wants_a_touch(card).await;
    // All calls have arrived when a later call of the same connection is answered.
    world.client.problems().await.unwrap();
    card.touch();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!(card.count(CALCULATE), before + 1);
}

#[testkit::test]
async fn callers_do_not_share_a_touch() {
    let world = world().await;
    let card = world.card().unwrap();
    let bob = world.client.credential("bob").await.unwrap();
    let stranger = other(&world).await;
    let mine = calculating(&world.client, &bob, Options::new());
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

#[testkit::test]
async fn callers_share_a_calculation_without_touch() {
    let world = world().await;
    let card = world.card().unwrap();
    let alice = world.client.credential("alice").await.unwrap();
    let clients = [world.client.clone(), other(&world).await, other(&world).await];
    card.set_delay(Duration::from_millis(100));
    let before = card.count(CALCULATE);
    let codes = at_once(&clients, &alice, 3, Options::new).await;
    assert!(codes.iter().all(|code| *code == codes[0]));
    let calculations = card.count(CALCULATE) - before;
    assert!(calculations < 9, "{calculations} for 9 calls");
}

#[testkit::test]
async fn counters_are_never_shared() {
    let world = world().await;
    let dave = world.client.credential("dave").await.unwrap();
    let counting = || Options::from([("advance-counter", true.into())]);
    let mut codes = at_once(std::slice::from_ref(&world.client), &dave, 5, counting).await;
    codes.sort();
    codes.dedup();
    assert_eq!(codes.len(), 5);
    assert_eq!(world.card().unwrap().hotp_counter("VPN:dave"), Some(5));
}
