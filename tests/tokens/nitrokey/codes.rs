//! Codes and properties.

use std::time::Duration;

use testkit::client::Options;

use super::{Bench, TOKEN};
use oathbridge::dbus::names::ROOT;

#[testkit::test]
async fn the_codes_of_the_rfcs() {
    let bench = Bench::new().await;
    let alice = bench.credential("alice").await;
    // RFC 6238, appendix B, SHA-1.
    for (time, code) in [(59, "94287082"), (1_111_111_109, "07081804"), (20_000_000_000, "65353130")] {
        bench.world.clock().unwrap().set_unix_time(Duration::from_secs(time));
        let reply = bench.client().calculate(&alice, Options::new()).await.unwrap();
        assert_eq!((reply.code.as_str(), reply.from), (code, time - time % 30));
    }
    let counter = bench.credential("counter").await;
    // RFC 4226, appendix D.
    for code in ["755224", "287082", "359152"] {
        let advance = Options::from([("advance-counter", true.into())]);
        assert_eq!(bench.client().calculate(&counter, advance).await.unwrap().code, code);
    }
}

#[testkit::test]
async fn the_properties_of_token_and_credentials() {
    let bench = Bench::new().await;
    let token = format!("{ROOT}/tokens/{TOKEN}");
    for (name, value) in [
        ("Id", TOKEN),
        ("Family", "ykoath"),
        ("Serial", "01020304"),
        ("Vendor", "Nitrokey"),
        ("Model", "Nitrokey 3"),
        ("Firmware", ""),
        ("Reader", ""),
        ("State", "ready"),
    ] {
        let has: String = bench.client().property(&token, "Token", name).await.unwrap();
        assert_eq!(has, value, "{name}");
    }
    for (account, touch) in [("alice", "no"), ("touched", "yes"), ("counter", "no")] {
        let credential = bench.credential(account).await;
        let has: String = bench.client().property(&credential, "Credential", "TouchRequired").await.unwrap();
        assert_eq!(has, touch, "{account}");
    }
}

#[testkit::test]
async fn one_channel_serves_every_call() {
    let bench = Bench::new().await;
    let before = bench.key.fido_messages();
    for _ in 0..3 {
        bench.code("alice").await;
    }
    assert_eq!(bench.key.fido_messages(), before + 3 * 2, "SELECT and CALCULATE only");
}

#[testkit::test]
async fn the_key_keeps_its_id_when_it_comes_back_with_another_salt() {
    let bench = Bench::new().await;
    let before = bench.credential("alice").await;
    bench.world.unplug(&bench.key).await.unwrap();
    bench.world.plug(&bench.key).await.unwrap();
    assert_eq!(bench.credential("alice").await, before);
}

/// 50 names of 64 bytes: a list of 3,400 bytes, which the key sends in two pages.
#[testkit::test]
async fn a_list_of_several_pages_is_whole() {
    let name = |number: u32| format!("{number:02}{}", "x".repeat(62));
    let credentials: Vec<_> =
        (0..50).map(|number| format!("{{ account = '{}', seed = 'me' }}", name(number))).collect();
    let key = format!(
        "[[token]]\nserial = 16909060\nmodel = 'nitrokey-3'\ncredential = [{}]\n",
        credentials.join(", ")
    );
    let bench = Bench::with(&key).await;
    let (found, _) = bench.client().find(&[("token", TOKEN)]).await.unwrap();
    assert_eq!(found.len(), 50);
    assert_eq!(bench.key.count(0xa5), 1);
    assert_eq!(bench.code(&name(49)).await.len(), 6);
}
