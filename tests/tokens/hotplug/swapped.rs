//! Another token in the same place, without any event of the smart card service, as after a suspend.

use oathbridge::dbus::names::ROOT;
use oathbridge::virt::{self, Fault};
use testkit::client::{Event, Options};

use super::{TOKEN, inserted, tree, until_state};

/// A token with a credential of the same name, and another seed.
const SAME_NAME: &str = "[[token]]
serial = 27182818
credential = [{ issuer = 'AWS Cognito', account = 'alice', seed = 'MFRGGZDFMZTWQ2LK' }]
";

#[testkit::test]
async fn a_call_never_gets_the_code_of_another_token_in_the_same_place() {
    let world = inserted(TOKEN).await;
    let alice = world.client.credential("alice").await.unwrap();
    let before = tree(&world.client).await;
    let own = world.client.calculate(&alice, Options::new()).await.unwrap();
    let mut signals = world.client.signals().await.unwrap();
    let card = world.card().unwrap();
    card.swap(&virt::parse(SAME_NAME).unwrap()[0]);
    const CALCULATE: u8 = 0xa2;
    let calculations = card.count(CALCULATE);
    let refusal = world.client.calculate(&alice, Options::new()).await.unwrap_err();
    assert_eq!((refusal.name.as_str(), card.count(CALCULATE)), ("TokenRemoved", calculations), "{refusal:?}");
    let events = until_state(&mut signals, "ready").await;
    let gone = events.iter().filter(|event| matches!(event, Event::Removed { .. })).count();
    assert_eq!(gone, before.len(), "{events:?}");
    let after = tree(&world.client).await;
    assert!(after.len() == 2 && after.is_disjoint(&before), "{after:?}");
    let other = world.client.credential("alice").await.unwrap();
    assert_ne!(world.client.calculate(&other, Options::new()).await.unwrap().code, own.code);
    let absent = world.client.calculate(&alice, Options::new()).await.unwrap_err();
    assert_eq!(absent.name, "TokenRemoved");

    // A reading finds it as well.
    card.swap(&virt::parse(TOKEN).unwrap()[0]);
    signals.waiting();
    world.client.call::<_, ()>(ROOT, "Manager", "Reload", &()).await.unwrap();
    until_state(&mut signals, "ready").await;
    assert_eq!(tree(&world.client).await, before);
    assert_eq!(world.client.calculate(&alice, Options::new()).await.unwrap().code, own.code);
}

#[testkit::test]
async fn a_password_is_not_kept_for_another_token() {
    let world = inserted(&TOKEN.replace("credential", "password = 'correct horse'\ncredential")).await;
    let (_, locked) = world.client.find(&[]).await.unwrap();
    world.client.unlock(&locked[0], "correct horse").await.unwrap();
    let alice = world.client.credential("alice").await.unwrap();
    let card = world.card().unwrap();
    const VALIDATE: u8 = 0xa3;
    let proofs = card.count(VALIDATE);
    card.swap(&virt::parse(&SAME_NAME.replace("credential", "password = 'other'\ncredential")).unwrap()[0]);
    let refusal = world.client.calculate(&alice, Options::new()).await.unwrap_err();
    assert_eq!((refusal.name.as_str(), card.count(VALIDATE)), ("TokenRemoved", proofs), "{refusal:?}");
}

#[testkit::test]
async fn a_card_without_the_application_in_the_same_place_takes_the_objects_away() {
    let world = inserted(TOKEN).await;
    let alice = world.client.credential("alice").await.unwrap();
    let before = tree(&world.client).await;
    let mut signals = world.client.signals().await.unwrap();
    // The call and the reading of the new card select OATH and the application of Token2.
    for _ in 0..4 {
        world.card().unwrap().fail_next(Fault::Answer(vec![0x6a, 0x82]));
    }
    let refusal = world.client.calculate(&alice, Options::new()).await.unwrap_err();
    assert_eq!(refusal.name, "TokenRemoved", "{refusal:?}");
    let events = until_state(&mut signals, "no-oath").await;
    let gone = events.iter().filter(|event| matches!(event, Event::Removed { .. })).count();
    assert_eq!(gone, before.len(), "{events:?}");
    let after = tree(&world.client).await;
    assert!(after.len() == 1 && after.is_disjoint(&before), "{after:?}");
}
