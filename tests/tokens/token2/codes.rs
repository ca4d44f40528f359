//! Codes and properties over HID.

use std::time::Duration;

use oathbridge::dbus::names::ROOT;
use testkit::client::Options;

use super::{Bench, SHOWN_SERIAL, TOKEN, advance};

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
        assert_eq!(bench.code("counter", advance()).await.unwrap(), code);
    }
    assert_eq!(bench.key.hotp_counter("VPN:counter"), Some(3));
}

#[testkit::test]
async fn a_counter_advances_only_with_the_option() {
    let bench = Bench::new().await;
    assert_eq!(bench.refusal("counter").await, "ConfirmationRequired");
    bench.replug(|_| ()).await;
    assert_eq!(bench.key.hotp_counter("VPN:counter"), Some(0), "neither a refusal nor a list advances it");
}

#[testkit::test]
async fn the_code_of_the_next_step_is_that_of_the_key() {
    let bench = Bench::new().await;
    bench.set_time(1_111_111_109 - 30);
    let alice = bench.credential("alice").await;
    let options = Options::from([("next", true.into())]);
    let reply = bench.client().calculate(&alice, options).await.unwrap();
    assert_eq!(reply.next.as_deref(), Some("07081804"));
}

#[testkit::test]
async fn the_properties_of_token_and_credentials() {
    let bench = Bench::new().await;
    for (name, value) in [
        ("Id", TOKEN),
        ("Family", "token2"),
        ("Serial", SHOWN_SERIAL),
        ("Vendor", "Token2"),
        ("Model", "Token2 PIN+"),
        ("Firmware", ""),
        ("Reader", ""),
        ("State", "ready"),
    ] {
        assert_eq!(bench.token::<String>(name).await, value, "{name}");
    }
    assert_eq!((bench.token::<bool>("PinSet").await, bench.token::<i32>("AttemptsLeft").await), (false, -1));
    for (account, issuer, kind, algorithm, period, digits, touch) in [
        ("alice", "AWS", "totp", "SHA1", 30, 8, "no"),
        ("touched", "", "totp", "SHA1", 30, 6, "yes"),
        ("minute", "", "totp", "SHA256", 60, 6, "no"),
        ("counter", "VPN", "hotp", "SHA1", 30, 6, "no"),
    ] {
        let credential = bench.credential(account).await;
        for (name, value) in
            [("Issuer", issuer), ("Type", kind), ("Algorithm", algorithm), ("TouchRequired", touch)]
        {
            let has: String = bench.client().property(&credential, "Credential", name).await.unwrap();
            assert_eq!(has, value, "{account} {name}");
        }
        for (name, value) in [("Period", period), ("Digits", digits)] {
            let has: u32 = bench.client().property(&credential, "Credential", name).await.unwrap();
            assert_eq!(has, value, "{account} {name}");
        }
    }
}

/// 50 entries with names of 64 bytes: the key sends its list in pages of 500 bytes.
#[testkit::test]
async fn a_list_of_several_pages_is_whole() {
    let name = |number: u32| format!("{number:02}{}", "x".repeat(62));
    let credentials: Vec<_> =
        (0..50).map(|number| format!("{{ account = '{}', seed = 'me' }}", name(number))).collect();
    let credentials = credentials.join(", ");
    let key =
        format!("[[token]]\nserial = 86104123\nmodel = 'token2-pin-plus'\ncredential = [{credentials}]\n");
    let bench = Bench::with(&key).await;
    let (found, _) = bench.client().find(&[("token", TOKEN)]).await.unwrap();
    assert_eq!(found.len(), 50);
    let pages = bench.key.log().iter().filter(|header| **header == [0x80, 0xc5, 0x05, 0x01]).count();
    assert_eq!(pages, 8, "9 pages of 6 entries");
    assert_eq!(bench.code(&name(49), Options::new()).await.unwrap().len(), 6);
}

#[testkit::test]
async fn a_key_without_entries_is_ready() {
    let bench = Bench::with("[[token]]\nserial = 86104123\nmodel = 'token2-pin-plus'\n").await;
    assert_eq!(bench.token::<String>("State").await, "ready");
    assert!(bench.client().find(&[]).await.unwrap().0.is_empty());
}

#[testkit::test]
async fn a_code_needs_two_commands_and_the_serial_number_none() {
    let bench = Bench::new().await;
    let before = bench.key.log().len();
    bench.code("alice", Options::new()).await.unwrap();
    let commands = bench.key.log().split_off(before);
    assert_eq!(commands, [[0x80, 0xc5, 0x05, 0x04], [0x80, 0xc5, 0x05, 0x00]]);
}

#[testkit::test]
async fn the_key_keeps_its_paths_when_it_comes_back() {
    let bench = Bench::new().await;
    let before = bench.credential("alice").await;
    assert!(before.starts_with(&format!("{ROOT}/credentials/{TOKEN}_")), "{before}");
    bench.replug(|_| ()).await;
    assert_eq!(bench.credential("alice").await, before);
    bench.world.clock().unwrap().advance(Duration::from_secs(30));
    assert_eq!(bench.code("alice", Options::new()).await.unwrap().len(), 8);
}
