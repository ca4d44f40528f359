//! The Prompt object.

use oathbridge::dbus::names::PROMPT;
use testkit::client::{Client, Event, Options};
use zbus::OwnedObjectPath;

use super::{calculating, named, other, path, wants_a_touch, world};

async fn kind_and_count(client: &Client) -> (String, u32) {
    let kind = client.property(PROMPT, "Prompt", "Kind").await.unwrap();
    (kind, client.property(PROMPT, "Prompt", "Count").await.unwrap())
}

#[testkit::test]
async fn the_prompt_shows_the_oldest_wait_in_one_signal_and_is_empty_afterwards() {
    let world = world().await;
    let card = world.card().unwrap();
    assert_eq!(kind_and_count(&world.client).await, (String::new(), 0));
    let bob = world.client.credential("bob").await.unwrap();
    let mut signals = world.client.signals().await.unwrap();
    let first = calculating(&world.client, &bob, named("first"));
    wants_a_touch(card).await;
    let is_prompt = |event: &Event| event.place() == "prompt";
    let events = signals.until(is_prompt).await.unwrap();
    let shown = events.last().unwrap();
    assert_eq!(shown.value::<String>("Kind").as_deref(), Some("touch"));
    assert_eq!(shown.value::<u32>("Count"), Some(1));
    let operation = shown.value::<OwnedObjectPath>("Operation").unwrap();
    assert_eq!(operation.as_str(), path(&world.client, "first"));
    let token = shown.value::<OwnedObjectPath>("Token").unwrap();
    assert!(world.client.objects().await.unwrap().contains_key(token.as_str()));
    let since = shown.value::<u64>("Since").unwrap();
    assert_eq!(shown.value::<u64>("Deadline").unwrap() - since, 22);

    // Another caller's request for the same token waits in the queue and does not need a person yet.
    let second = calculating(&other(&world).await, &bob, Options::new());
    assert_eq!(kind_and_count(&world.client).await, ("touch".to_owned(), 1));
    card.touch();
    first.await.unwrap().unwrap();
    wants_a_touch(card).await;
    card.touch();
    second.await.unwrap().unwrap();
    let over = |event: &Event| is_prompt(event) && event.value::<u32>("Count") == Some(0);
    signals.until(over).await.unwrap();
    assert_eq!(kind_and_count(&world.client).await, (String::new(), 0));
}
