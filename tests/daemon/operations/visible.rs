//! The objects of operations: their path, lifetime and properties.

use std::time::Duration;

use futures_util::StreamExt;
use oathbridge::dbus::names::{self, ROOT};
use testkit::client::{Client, Event, Options};
use tokio::time::timeout;
use zbus::message::{Message, Type};
use zbus::{MatchRule, MessageStream, fdo};

use super::{
    EVENT_TIMEOUT, calculating, is_operation, named, other, path, result, state, text, wants_a_touch, world,
};

/// The signals of operations in order: `+` for an added object, its states, `-` for a removed object.
fn story(events: &[Event]) -> Vec<String> {
    let line = |event: &Event| match event {
        Event::Added { .. } => Some("+".to_owned()),
        Event::Removed { .. } => Some("-".to_owned()),
        Event::Changed { .. } => event.value::<String>("State"),
    };
    events.iter().filter(|event| is_operation(event)).filter_map(line).collect()
}

#[testkit::test]
async fn with_a_handle_the_object_exists_from_the_start_until_after_the_end() {
    let world = world().await;
    let bob = world.client.credential("bob").await.unwrap();
    let operation = path(&world.client, "first_1");
    let mut signals = world.client.signals().await.unwrap();
    let call = calculating(&world.client, &bob, named("first_1"));
    wants_a_touch(world.card().unwrap()).await;
    let events = signals
        .until(|event| event.value::<String>("State").as_deref() == Some("waiting-touch"))
        .await
        .unwrap();
    assert_eq!(
        events.iter().find(|event| is_operation(event)).unwrap().place(),
        &operation[ROOT.len() + 1..]
    );
    assert_eq!(result(&world.client, &operation).await.unwrap_err().name, "Busy");
    let kind: String = world.client.property(&operation, "Operation", "Kind").await.unwrap();
    let credential: zbus::OwnedObjectPath =
        world.client.property(&operation, "Operation", "Credential").await.unwrap();
    assert_eq!((kind.as_str(), credential.as_str()), ("Calculate", bob.as_str()));

    world.card().unwrap().touch();
    let code = call.await.unwrap().unwrap();
    // The last state is signalled before the reply.
    assert_eq!(story(&signals.waiting()).last().map(String::as_str), Some("done"));
    assert_eq!(state(&world.client, &operation).await.unwrap(), "done");
    let kept = result(&world.client, &operation).await.unwrap();
    assert_eq!(text(&kept, "code"), Some(code));
    assert_eq!(text(&kept, "error"), None);

    let stranger = other(&world).await;
    assert_eq!(result(&stranger, &operation).await.unwrap_err().name, "AccessDenied");
    let again = world.client.calculate(&bob, named("first_1")).await.unwrap_err();
    assert_eq!(again.name, "AlreadyExists");
    // Handles of different callers are independent.
    let alice = world.client.credential("alice").await.unwrap();
    stranger.calculate(&alice, named("first_1")).await.unwrap();
}

#[testkit::test]
async fn without_a_handle_a_fast_call_has_no_object() {
    let world = world().await;
    let alice = world.client.credential("alice").await.unwrap();
    let mut signals = world.client.signals().await.unwrap();
    for _ in 0..5 {
        world.client.calculate(&alice, Options::new()).await.unwrap();
    }
    assert_eq!(story(&signals.waiting()), Vec::<String>::new());
}

/// The messages that one connection receives about a call's operation, in order: `+`, states, `reply`, `-`.
async fn order_of_a_call(client: &Client, call: &Message) -> Vec<String> {
    let connection = client.connection();
    let rule = MatchRule::builder().msg_type(Type::Signal).sender(names::BUS).build().unwrap();
    fdo::DBusProxy::new(connection).await.unwrap().add_match_rule(rule).await.unwrap();
    let mut messages = MessageStream::from(connection);
    connection.send(call).await.unwrap();
    let mut order = Vec::new();
    while order.last().is_none_or(|last| last != "-") {
        let message = timeout(EVENT_TIMEOUT, messages.next()).await.unwrap().unwrap().unwrap();
        if message.header().reply_serial() == Some(call.primary_header().serial_num()) {
            order.push("reply".to_owned());
        } else if let Some(event) = Event::of(&message) {
            order.extend(story(&[event]));
        }
    }
    order
}

#[testkit::test]
async fn without_a_handle_the_object_exists_while_a_person_is_needed() {
    let world = world().await;
    let bob = world.client.credential("bob").await.unwrap();
    let credential = zbus::ObjectPath::try_from(bob.as_str()).unwrap();
    let call = || {
        Message::method_call(&credential, "Calculate")
            .destination(names::BUS)
            .interface(names::CREDENTIAL)
            .build(&Options::new())
            .unwrap()
    };
    let card = world.card().unwrap();
    let watcher = other(&world).await;
    let mut signals = watcher.signals().await.unwrap();
    let touch = async {
        // The token waits before the daemon knows that, and a call that is faster has no object.
        signals.until(is_operation).await.unwrap();
        wants_a_touch(card).await;
        card.touch();
    };
    let call_1 = call();
    let (order, ()) = tokio::join!(order_of_a_call(&world.client, &call_1), touch);
    assert_eq!(order, ["+", "calculating", "done", "reply", "-"]);

    card.set_touch_timeout(Duration::from_millis(200));
    assert_eq!(order_of_a_call(&world.client, &call()).await, ["+", "calculating", "failed", "reply", "-"]);
}

#[testkit::test]
async fn results_of_failures_are_kept_with_their_details() {
    let world = world().await;
    let bob = world.client.credential("bob").await.unwrap();
    let mut options = named("fails");
    options.insert("interactive", false.into());
    assert_eq!(world.client.calculate(&bob, options).await.unwrap_err().name, "TouchRequired");
    let operation = path(&world.client, "fails");
    assert_eq!(state(&world.client, &operation).await.unwrap(), "failed");
    let kept = result(&world.client, &operation).await.unwrap();
    assert_eq!(text(&kept, "error").as_deref(), Some("io.github.oathbridge.OathBridge1.Error.TouchRequired"));
    assert!(!bool::try_from(kept["submitted"].try_clone().unwrap()).unwrap());

    // The time of the next attempt is also a number, not only in the sentence.
    let alice = world.client.credential("alice").await.unwrap();
    let claim = |handle: &'static str| {
        let mut options = named(handle);
        options.insert("claim", true.into());
        options
    };
    let until = world.client.calculate(&alice, claim("one")).await.unwrap().until;
    assert_eq!(world.client.calculate(&alice, claim("two")).await.unwrap_err().name, "StepSpent");
    let kept = result(&world.client, &path(&world.client, "two")).await.unwrap();
    assert_eq!(u64::try_from(kept["retry-at"].try_clone().unwrap()).unwrap(), until);
}

#[testkit::test]
async fn only_the_last_32_results_are_kept() {
    let world = world().await;
    let alice = world.client.credential("alice").await.unwrap();
    let handles: Vec<_> = (0..34).map(|number| format!("many{number}")).collect();
    for handle in &handles {
        world.client.calculate(&alice, named(handle)).await.unwrap();
    }
    assert_eq!(
        state(&world.client, &path(&world.client, "many0")).await.unwrap_err().name,
        "org.freedesktop.DBus.Error.UnknownObject"
    );
    assert_eq!(state(&world.client, &path(&world.client, "many33")).await.unwrap(), "done");
    world.client.calculate(&alice, named("many0")).await.unwrap();
}

#[testkit::test]
async fn handles_must_be_path_elements() {
    let world = world().await;
    let alice = world.client.credential("alice").await.unwrap();
    let long = "x".repeat(65);
    for handle in ["", "a-b", "a/b", "é", &long] {
        assert_eq!(
            world.client.calculate(&alice, named(handle)).await.unwrap_err().name,
            "org.freedesktop.DBus.Error.InvalidArgs",
            "{handle}"
        );
    }
    world.client.calculate(&alice, named(&long[1..])).await.unwrap();
    // The daemon gives such handles to calls without a handle.
    assert_eq!(world.client.calculate(&alice, named("7__")).await.unwrap_err().name, "AlreadyExists");
}
