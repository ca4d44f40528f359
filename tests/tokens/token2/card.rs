//! The key as a card behind a real pcscd.

use std::time::Duration;

use oathbridge::virt::{self, Fault};
use testkit::client::Options;
use testkit::scenario::Scenario;

use super::{Bench, KEY, SHOWN_SERIAL, TIMEOUT, TOKEN, advance};

#[testkit::test]
async fn the_codes_of_the_rfcs() {
    let bench = Bench::on_reader(KEY).await;
    for (time, code) in [(59, "94287082"), (1_111_111_109, "07081804")] {
        bench.set_time(time);
        assert_eq!(bench.code("alice", Options::new()).await.unwrap(), code);
    }
    for code in ["755224", "287082"] {
        assert_eq!(bench.code("counter", advance()).await.unwrap(), code);
    }
    assert_eq!(bench.key.hotp_counter("VPN:counter"), Some(2));
    assert_eq!(bench.key.resets(), 0);
}

#[testkit::test]
async fn the_properties_are_those_over_hid() {
    let bench = Bench::on_reader(KEY).await;
    for (name, value) in [
        ("Family", "token2"),
        ("Serial", SHOWN_SERIAL),
        ("Vendor", "Token2"),
        ("Model", "Token2 PIN+"),
        ("Firmware", ""),
        ("State", "ready"),
    ] {
        assert_eq!(bench.token::<String>(name).await, value, "{name}");
    }
    assert_eq!(bench.client().find(&[]).await.unwrap().0.len(), 4);
}

/// Without an event, as after a suspend.
#[testkit::test]
async fn another_key_in_the_same_reader_is_asked_for_no_code() {
    let bench = Bench::on_reader(KEY).await;
    let alice = bench.credential("alice").await;
    bench.key.swap(&virt::parse(&KEY.replace(&super::SERIAL.to_string(), "86104124")).unwrap()[0]);
    let refusal = bench.client().calculate(&alice, Options::new()).await.unwrap_err();
    assert_eq!(refusal.name, "TokenRemoved", "{refusal:?}");
    bench.client().find(&[]).await.unwrap();
    assert_ne!(bench.credential("alice").await, alice, "it is that of the other key");
}

/// The list is longer than a short response, so the card sends it in parts.
#[testkit::test]
async fn a_long_list_is_fetched_whole() {
    let credentials: Vec<_> = (0..20)
        .map(|number| format!("{{ account = '{number:02}{}', seed = 'me' }}", "x".repeat(62)))
        .collect();
    let credentials = credentials.join(", ");
    let key =
        format!("[[token]]\nserial = 86104123\nmodel = 'token2-pin-plus'\ncredential = [{credentials}]\n");
    let bench = Bench::on_reader(&key).await;
    assert_eq!(bench.client().find(&[("token", TOKEN)]).await.unwrap().0.len(), 20);
    assert!(bench.key.count(0xc0) > 0);
}

#[testkit::test]
async fn a_touch_is_awaited_and_its_absence_is_a_touch_timeout() {
    let bench = Bench::on_reader(KEY).await;
    bench.set_time(59);
    let call = bench.call("touched", Options::new()).await;
    bench.wait(|key| key.wait_until_it_wants_a_touch(TIMEOUT)).await;
    bench.key.touch();
    assert_eq!(call.await.unwrap().unwrap(), "287082");
    bench.key.set_touch_timeout(Duration::from_millis(100));
    assert_eq!(bench.refusal("touched").await, "TouchTimeout");
}

#[testkit::test]
async fn invalid_responses_are_refused_and_the_next_request_succeeds() {
    let bench = Bench::on_reader(KEY).await;
    // OATH and the key's own application are selected, and then the state of the PIN is read.
    let selected = [&[0x6a, 0x82][..], &[0x90, 0x00]];
    for answers in [
        &[&[0x61, 0x10][..], &[0x6f, 0x00]][..],
        &[&[0x61, 0x10], &[0x00, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x90, 0x00]],
        &[&[0x07, 0x05, 0, 0, 0, 0, 0, 0, 0, 0, 0x90, 0x00]],
        &[&[0x6f, 0x00]],
    ] {
        for answer in selected.iter().chain(answers) {
            bench.key.fail_next(Fault::Answer(answer.to_vec()));
        }
        assert_eq!(bench.refusal("alice").await, "Malformed", "{answers:02x?}");
        assert_eq!(bench.code("alice", Options::new()).await.unwrap().len(), 8, "after {answers:02x?}");
    }
}

/// The same key over both transports.
#[testkit::test]
async fn the_key_is_one_token_on_both_transports() {
    let world = Scenario::inside().cards(KEY).virtual_tokens(KEY).start().await.unwrap();
    let key = world.daemon.as_ref().unwrap().virtual_token(super::SERIAL).unwrap();
    let bench = Bench { world, key }.read().await;
    assert_eq!(bench.token::<Vec<String>>("Transports").await, ["pcsc", "virtual"]);
    assert_eq!(bench.client().find(&[]).await.unwrap().0.len(), 4);
    assert_eq!(bench.client().find(&[("account", "alice")]).await.unwrap().0.len(), 1);
    bench.set_time(59);
    assert_eq!(bench.code("alice", Options::new()).await.unwrap(), "94287082");
    assert!(bench.key.fido_messages() >= 5, "HID serves it");
}
