//! A token behind a slow reader: its first reading takes longer than the limit for one answer.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::fmt::Write;
use std::time::{Duration, Instant};

use testkit::client::{Event, Options};
use testkit::scenario::{Scenario, World};

/// The time that the token takes for an answer.
const ANSWER: Duration = Duration::from_secs(2);

/// The number of answers that are slow; a reading of 32 credentials has more.
const SLOW_ANSWERS: u32 = 12;

/// The duration of a first reading after which the daemon shows the token.
const SLOW_READING: Duration = Duration::from_secs(1);

/// The time that a call waits for the first reading of a token.
const SETTLE: Duration = Duration::from_secs(3);

fn state(event: &Event) -> Option<String> {
    event.value("State")
}

/// A token whose list does not fit into a few responses.
fn token() -> String {
    let mut text = "[[token]]\nserial = 31415926\ncredential = [\n".to_owned();
    for number in 0..32 {
        let account = format!("account-{number:02}-with-a-long-name-for-it@example.org");
        writeln!(text, "  {{ account = '{account}', seed = 'GEZDGNBVGY3TQOJQ' }},").unwrap();
    }
    text + "]\n"
}

/// Lets the token answer one command, and waits for the next one.
async fn answer_one(world: &World) {
    let before = world.card().unwrap().commands();
    world.card().unwrap().answer_only(Some(1));
    until_asked(world, before).await;
}

/// Waits for more commands than these.
async fn until_asked(world: &World, before: usize) {
    let begun = Instant::now();
    while world.card().unwrap().commands() == before {
        assert!(begun.elapsed() < Duration::from_secs(60), "no command follows");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[testkit::test]
async fn a_token_that_goes_on_answering_is_shown_as_being_read_and_is_not_stuck() {
    let mut world = Scenario::inside().cards(&token()).start().await.unwrap();
    let account = "account-00-with-a-long-name-for-it@example.org";
    let credential = world.client.credential(account).await.unwrap();
    world.end_daemon().await.unwrap();
    // The selection of the application.
    world.card().unwrap().answer_only(Some(1));
    let mut signals = world.client.signals().await.unwrap();
    world.start_daemon().await.unwrap();
    world.pass(SLOW_READING).await.unwrap();
    let is_place = |event: &Event| event.place().starts_with("tokens/reader_");
    let events =
        signals.until(|event| matches!(event, Event::Added { .. }) && is_place(event)).await.unwrap();
    let place = format!("{}/{}", oathbridge::dbus::names::ROOT, events.last().unwrap().place());
    let shown: String = world.client.property(&place, "Token", "State").await.unwrap();
    assert_eq!(shown, "reading");

    let (client, path) = (world.client.clone(), credential.clone());
    let call = tokio::spawn(async move { client.calculate(&path, Options::new()).await });
    world.pass(SETTLE).await.unwrap();
    let refusal = call.await.unwrap().unwrap_err();
    assert_eq!(refusal.name, "TokenBusy");
    assert!(refusal.sentence.contains("is still being read"), "no program holds it: {refusal:?}");

    for _ in 0..SLOW_ANSWERS {
        world.clock().unwrap().advance(ANSWER);
        answer_one(&world).await;
    }
    world.card().unwrap().answer_only(None);
    let events = signals.until(|event| state(event).as_deref() == Some("ready")).await.unwrap();
    let states: Vec<_> = events.iter().filter_map(state).collect();
    assert!(!states.iter().any(|state| state == "stuck"), "{states:?}");
    let is_gone = |event: &Event| matches!(event, Event::Removed { .. }) && is_place(event);
    assert!(events.iter().any(is_gone), "the description of the place is replaced");
    world.client.calculate(&credential, Options::new()).await.unwrap();
}

#[testkit::test]
async fn a_token_that_hangs_in_its_first_reading_is_shown_as_stuck() {
    let mut world = Scenario::inside().cards(&token()).start().await.unwrap();
    // The first daemon would otherwise still ask the card when it ends.
    world.client.find(&[]).await.unwrap();
    world.end_daemon().await.unwrap();
    // It hangs in the selection of its application.
    let before = world.card().unwrap().commands();
    world.card().unwrap().answer_only(Some(0));
    let mut signals = world.client.signals().await.unwrap();
    world.start_daemon().await.unwrap();
    until_asked(&world, before).await;
    world.pass(Duration::from_secs(8)).await.unwrap();
    let events = signals.until(|event| state(event).as_deref() == Some("stuck")).await.unwrap();
    assert!(events.last().unwrap().place().starts_with("tokens/reader_"), "{events:?}");
    world.card().unwrap().answer_only(None);
    let events = signals.until(|event| state(event).as_deref() == Some("ready")).await.unwrap();
    assert!(events.last().unwrap().place().starts_with("tokens/ykoath_"), "{events:?}");
}
