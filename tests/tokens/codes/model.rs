//! Vendor, model and serial number of a card.

use oathbridge::dbus::names::ROOT;

use super::Bench;

/// The question deselects the application of another program.
#[testkit::test]
async fn a_yubikey_is_asked_once_for_its_serial_number() {
    let bench = Bench::new("", "").await;
    let alice = bench.credential("alice").await;
    let id = alice.rsplit('/').next().unwrap();
    let (id, _hash) = id.rsplit_once('_').unwrap();
    let token = format!("{ROOT}/tokens/{id}");
    let read_config = bench.card().count(0x1d);
    for _ in 0..2 {
        for (name, value) in
            [("Vendor", "Yubico"), ("Model", "YubiKey 5"), ("Serial", "31415926"), ("Firmware", "5.4.3")]
        {
            let has: String = bench.client().property(&token, "Token", name).await.unwrap();
            assert_eq!(has, value, "{name}");
        }
        assert_eq!((read_config, bench.card().count(0x1d)), (1, 1));
        bench.client().reload().await.unwrap();
    }
}
