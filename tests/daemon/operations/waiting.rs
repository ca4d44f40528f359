//! Absent and locked tokens: a call waits for them if it is allowed to.

use std::time::Duration;

use testkit::client::{Event, Options};
use zbus::Variant;

use super::{calculating, locked_world, other, world};

async fn until_prompt(signals: &mut testkit::client::Signals, kind: &str) -> Vec<Event> {
    let fits =
        |event: &Event| event.place() == "prompt" && event.value::<String>("Kind").as_deref() == Some(kind);
    signals.until(fits).await.unwrap()
}

#[testkit::test]
async fn a_call_waits_for_an_absent_token_if_requested() {
    let mut world = world().await;
    let alice = world.client.credential("alice").await.unwrap();
    let card = world.card().unwrap().clone();
    let mut signals = world.client.signals().await.unwrap();
    world.pcscd().unwrap().remove(0).unwrap();
    signals
        .until(|event| matches!(event, Event::Removed { .. }) && event.place().starts_with("tokens/"))
        .await
        .unwrap();
    assert_eq!(world.client.calculate(&alice, Options::new()).await.unwrap_err().name, "TokenRemoved");

    let call = calculating(&world.client, &alice, Options::from([("wait-for-token", true.into())]));
    until_prompt(&mut signals, "insert").await;
    let token: zbus::OwnedObjectPath =
        world.client.property(oathbridge::dbus::names::PROMPT, "Prompt", "Token").await.unwrap();
    assert!(alice.contains(token.rsplit('/').next().unwrap()), "{token}");
    world.pcscd().unwrap().insert(0, &card).unwrap();
    call.await.unwrap().unwrap();
    until_prompt(&mut signals, "").await;
}

#[testkit::test]
async fn waiting_for_an_absent_token_times_out() {
    let mut world = world().await;
    let alice = world.client.credential("alice").await.unwrap();
    let mut signals = world.client.signals().await.unwrap();
    world.pcscd().unwrap().remove(0).unwrap();
    signals
        .until(|event| matches!(event, Event::Removed { .. }) && event.place().starts_with("tokens/"))
        .await
        .unwrap();
    // The call waits until nine seconds before its end: here for one second.
    let options = Options::from([("wait-for-token", true.into()), ("timeout", Variant::from(10_u32))]);
    let call = world.client.calculate(&alice, options);
    let (reply, passed) = tokio::join!(call, world.pass(Duration::from_secs(1)));
    passed.unwrap();
    assert_eq!(reply.unwrap_err().name, "TokenRemoved");
}

#[testkit::test]
async fn a_call_waits_for_a_locked_token_unless_interactive_is_false() {
    let world = locked_world().await;
    let (_, locked) = world.client.find(&[]).await.unwrap();
    let token = &locked[0];
    world.client.unlock(token, "correct horse").await.unwrap();
    let alice = world.client.credential("alice").await.unwrap();
    world.client.call::<_, ()>(token, "Token", "Lock", &()).await.unwrap();

    let alone = Options::from([("interactive", false.into())]);
    assert_eq!(world.client.calculate(&alice, alone).await.unwrap_err().name, "TokenLocked");
    let mut signals = world.client.signals().await.unwrap();
    let call = calculating(&other(&world).await, &alice, Options::new());
    until_prompt(&mut signals, "unlock").await;
    world.client.unlock(token, "correct horse").await.unwrap();
    call.await.unwrap().unwrap();
}

#[testkit::test]
async fn a_call_on_an_unknown_path_fails_with_unknown_object() {
    let world = world().await;
    let alice = world.client.credential("alice").await.unwrap();
    let nothing = format!("{}0000000000000000", &alice[..alice.len() - 16]);
    let wait = Options::from([("wait-for-token", true.into())]);
    assert_eq!(
        world.client.calculate(&nothing, wait).await.unwrap_err().name,
        "org.freedesktop.DBus.Error.UnknownObject"
    );
    let wrong: Result<(), _> = world.client.call(&nothing, "Credential", "Calculate", &("text", 7)).await;
    assert_eq!(wrong.unwrap_err().name, "org.freedesktop.DBus.Error.InvalidArgs");
}
