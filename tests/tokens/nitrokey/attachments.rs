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

#[testkit::test]
async fn its_pin_is_verified_over_hid_only() {
    let key = KEY.replace("touch = 'never'", "pin = 'correct horse'\ntouch = { after-seconds = 0.0 }");
    let key = key.replace("account = 'touched'", "account = 'touched', pin = true");
    let world = Scenario::inside().cards(&key).virtual_tokens(&key).start().await.unwrap();
    let hid = world.daemon.as_ref().unwrap().virtual_token(SERIAL).unwrap();
    let card = world.card().unwrap();
    let token = world.client.find(&[]).await.unwrap().1.remove(0);
    let commands = card.commands();
    world.client.unlock(&token, "correct horse").await.unwrap();
    let touched = world.client.credential("touched").await.unwrap();
    world.client.calculate(&touched, Options::new()).await.unwrap();
    assert_eq!((hid.count(0xb2), card.commands()), (2, commands));
    world.client.call::<_, ()>(&token, "Token", "Lock", &()).await.unwrap();
    let (found, locked) = world.client.find(&[]).await.unwrap();
    assert_eq!((found.len(), locked), (2, vec![token]));
}

/// The serial number of a YubiKey is decimal, and that of a Nitrokey hexadecimal.
#[testkit::test]
async fn a_key_of_another_vendor_with_the_same_serial_number_is_another_token() {
    let credential =
        |account| format!("credential = [{{ account = '{account}', seed = 'GEZDGNBVGY3TQOJQ' }}]");
    let keys = format!(
        "[[token]]\nserial = 12345678\n{}\n[[token]]\nserial = 0x12345678\nmodel = 'nitrokey-3'\n{}",
        credential("yubikey"),
        credential("nitrokey"),
    );
    let world = Scenario::inside().virtual_tokens(&keys).start().await.unwrap();
    let mut ids = Vec::new();
    for account in ["yubikey", "nitrokey"] {
        let path = world.client.credential(account).await.unwrap();
        let (_, id) = path.rsplit_once('/').unwrap();
        let id = id.rsplit_once('_').unwrap().0;
        let token = format!("{ROOT}/tokens/{id}");
        let serial: String = world.client.property(&token, "Token", "Serial").await.unwrap();
        assert_eq!(serial, "12345678", "{account}");
        ids.push(id.to_owned());
    }
    assert_eq!(ids[1], "ykoath_12345678");
    assert_eq!(ids[0].len(), "ykoath_".len() + 16, "{ids:?}, from its salt and no duplicate");
}
