//! Only configured slots are used, and a reload applies at once.

use testkit::client::Event;

use super::{Bench, SLOTS, TOKEN};

const OTHER_KEY: &str = "[[hid.otp_slot]]\nserial = 8\nslot = 2\naccount = 'bob'\n";

#[testkit::test]
async fn without_a_configured_slot_nothing_is_sent_or_read() {
    for config in
        ["", "[hid]\nenabled = false\n[[hid.otp_slot]]\nserial = 7050602\nslot = 2\naccount = 'bob'\n"]
    {
        let bench = Bench::new(config).await;
        assert!(bench.slots().await.is_empty());
        assert_eq!(bench.key.otp_reports(), (0, 0), "{config}");
        bench.world.client.credential("alice").await.unwrap();
    }
}

#[testkit::test]
async fn a_key_without_a_configured_slot_is_asked_for_its_serial_number_only() {
    let bench = Bench::new(OTHER_KEY).await;
    assert!(bench.slots().await.is_empty());
    assert_eq!(bench.key.otp_commands(), [0x10]);
    bench.reload(&OTHER_KEY.replace("bob", "carol")).await;
    assert_eq!(bench.key.otp_commands(), [0x10], "once for each insertion");
}

#[testkit::test]
async fn a_reload_adds_changes_and_removes_slots() {
    let bench = Bench::new("").await;
    bench.reload(SLOTS).await;
    let both = bench.slots().await;
    assert_eq!(both.len(), 2, "at the reply of Reload");
    assert_eq!(bench.code("bob").await.len(), 8);

    bench.reload(&SLOTS.replace("bob", "carol").replace("digits = 8", "digits = 7")).await;
    assert_eq!(bench.slots().await, both, "another name of a slot keeps its path");
    assert_eq!(bench.code("carol").await.len(), 7);

    let mut signals = bench.client().signals().await.unwrap();
    bench.reload(OTHER_KEY).await;
    assert!(bench.slots().await.is_empty());
    let removed =
        |event: &Event| matches!(event, Event::Removed { .. }) && event.place() == format!("tokens/{TOKEN}");
    signals.until(removed).await.unwrap();
    let gone = bench.client().calculate(&both[1], testkit::client::Options::new()).await.unwrap_err();
    assert_eq!(gone.name, "TokenRemoved");

    bench.reload(SLOTS).await;
    assert_eq!(bench.slots().await, both);
    bench.reload("").await;
    assert!(bench.slots().await.is_empty());
}

#[testkit::test]
async fn no_listing_sends_a_challenge() {
    let bench = Bench::new(SLOTS).await;
    bench.reload(SLOTS).await;
    bench.world.unplug(&bench.key).await.unwrap();
    bench.world.plug(&bench.key).await.unwrap();
    bench.credential("bob").await;
    assert!(bench.key.otp_commands().iter().all(|command| *command == 0x10));
}
