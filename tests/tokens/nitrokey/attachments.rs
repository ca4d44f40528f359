//! A key that is attached as a smart card and as a HID device at once.

use oathbridge::dbus::names::ROOT;
use testkit::scenario::Scenario;

use super::{KEY, SERIAL, TOKEN};
use testkit::client::{Event, Options};

async fn transports(client: &testkit::client::Client) -> Vec<String> {
    client.property(&format!("{ROOT}/tokens/{TOKEN}"), "Token", "Transports").await.unwrap()
}

#[testkit::test]
async fn it_is_one_token_that_is_used_over_hid_first() {
    let world = Scenario::inside().cards(KEY).virtual_tokens(KEY).start().await.unwrap();
    let hid = world.daemon.as_ref().unwrap().virtual_token(SERIAL).unwrap();
    let card = world.card().unwrap();
    let (found, _) = world.client.find(&[]).await.unwrap();
    assert_eq!(found.len(), 3);
    assert!(found.iter().all(|path| path.contains(TOKEN)));
    assert_eq!(transports(&world.client).await, ["pcsc", "virtual"]);
    assert_eq!(card.count(0xa1), 1, "each device was read");

    let alice = world.client.credential("alice").await.unwrap();
    world.client.calculate(&alice, Options::new()).await.unwrap();
    assert_eq!((hid.count(0xa2), card.count(0xa2)), (1, 0));

    let mut signals = world.client.signals().await.unwrap();
    hid.unplug();
    // `Transports` is constant, so the object is replaced.
    let place = format!("tokens/{TOKEN}");
    let is_back = |event: &Event| matches!(event, Event::Added { .. }) && event.place() == place;
    signals.until(is_back).await.unwrap();
    assert_eq!(transports(&world.client).await, ["pcsc"]);
    assert_eq!(world.client.credential("alice").await.unwrap(), alice);
    world.client.calculate(&alice, Options::new()).await.unwrap();
    assert_eq!((hid.count(0xa2), card.count(0xa2)), (1, 1));
}
