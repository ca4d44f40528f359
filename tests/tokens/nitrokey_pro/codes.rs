//! Codes and properties.

use testkit::client::Options;

use super::{Bench, GET_CODE, READ_NAME, READ_SLOT, SET_TIME, TOKEN};
use oathbridge::dbus::names::ROOT;

#[testkit::test]
async fn the_codes_of_the_rfcs() {
    let bench = Bench::new().await;
    let alice = bench.credential("alice").await;
    // RFC 6238, appendix B, SHA-1.
    for (time, code) in [(59, "94287082"), (1_111_111_109, "07081804"), (20_000_000_000, "65353130")] {
        bench.set_time(time);
        let reply = bench.client().calculate(&alice, Options::new()).await.unwrap();
        assert_eq!((reply.code.as_str(), reply.from), (code, time - time % 30));
    }
    // RFC 4226, appendix D.
    for code in ["755224", "287082", "359152"] {
        assert_eq!(bench.code("counter", &["advance-counter"]).await.unwrap(), code);
    }
    assert!(bench.code("counter", &[]).await.is_err(), "each code of a counter is requested by name");
}

#[testkit::test]
async fn the_properties_of_token_and_credentials() {
    let bench = Bench::new().await;
    for (name, value) in [
        ("Id", TOKEN),
        ("Family", "nitrokeypro"),
        ("Serial", "00005f11"),
        ("Vendor", "Nitrokey"),
        ("Model", "Nitrokey Pro"),
        ("Firmware", "0.15.0"),
        ("Reader", ""),
        ("State", "ready"),
    ] {
        assert_eq!(bench.token::<String>(name).await, value, "{name}");
    }
    assert!(!bench.token::<bool>("PinSet").await);
    for (account, kind, digits, period) in
        [("alice", "totp", 8, 30), ("minute", "totp", 6, 60), ("counter", "hotp", 6, 30)]
    {
        let path = bench.credential(account).await;
        let text: String = bench.client().property(&path, "Credential", "Type").await.unwrap();
        let touch: String = bench.client().property(&path, "Credential", "TouchRequired").await.unwrap();
        let has_digits: u32 = bench.client().property(&path, "Credential", "Digits").await.unwrap();
        let has_period: u32 = bench.client().property(&path, "Credential", "Period").await.unwrap();
        assert_eq!((text.as_str(), touch.as_str(), has_digits, has_period), (kind, "no", digits, period));
    }
}

#[testkit::test]
async fn the_slots_are_read_once_and_a_code_reads_its_own_only() {
    let bench = Bench::new().await;
    let reads = bench.key.nitrokey_pro_commands().iter().filter(|command| **command == READ_SLOT).count();
    assert_eq!(reads, 18);
    let code = async { drop(bench.code("alice", &[]).await.unwrap()) };
    assert_eq!(bench.sent(code).await, [0, READ_SLOT, SET_TIME, GET_CODE, READ_NAME]);
}

#[testkit::test]
async fn another_program_writes_to_a_slot() {
    let bench = Bench::new().await;
    let path = bench.credential("alice").await;
    bench.key.rename_nitrokey_pro_slot(0x20, "AWS:bob");
    let refusal = bench.client().calculate(&path, Options::new()).await.unwrap_err();
    assert_eq!(refusal.name, "NoSuchCredential");
    assert!(!bench.key.nitrokey_pro_commands().contains(&GET_CODE), "no code of the other account");
    bench.set_time(59);
    assert_eq!(bench.code("bob", &[]).await.unwrap(), "94287082", "the slots were read again");
    assert_eq!(bench.credential("bob").await, path, "the slot keeps its path");
}

#[testkit::test]
async fn the_key_comes_back_with_the_same_paths() {
    let bench = Bench::new().await;
    let before = bench.credential("alice").await;
    bench.world.unplug(&bench.key).await.unwrap();
    bench.world.plug(&bench.key).await.unwrap();
    assert_eq!(bench.credential("alice").await, before);
    assert!(before.starts_with(&format!("{ROOT}/credentials/{TOKEN}_")));
}
