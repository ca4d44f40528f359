//! Invalid options are refused before the token is used.

use std::os::fd::AsFd;

use testkit::client::{Options, memfd};
use zbus::{Fd, Variant};

use super::Bench;

const INVALID: &str = "org.freedesktop.DBus.Error.InvalidArgs";

#[testkit::test]
async fn unknown_keys_and_wrong_types_are_refused() {
    let bench = Bench::new("", "").await;
    let alice = bench.credential("alice").await;
    let before = bench.card().log().len();
    let memfd = memfd(b"secret").unwrap();
    let cases: [(&str, Variant<'_>); 15] = [
        ("no-such-option", true.into()),
        ("min_validity", 1_u32.into()),
        ("Next", true.into()),
        ("", true.into()),
        ("next", 1_u32.into()),
        ("next", "true".into()),
        ("claim", 0_i32.into()),
        ("interactive", "no".into()),
        ("min-validity", 1_i32.into()),
        ("min-validity", 1_u64.into()),
        ("min-validity", "5".into()),
        ("timeout", 22_i32.into()),
        ("timeout", 0_u32.into()),
        ("timeout", 901_u32.into()),
        ("timeout", vec![5_u32].into()),
    ];
    for (key, value) in cases {
        let shown = format!("{key}: {value:?}");
        let refusal = bench.client().calculate(&alice, [(key, value)].into()).await.unwrap_err();
        assert_eq!(refusal.name, INVALID, "{shown}");
        let word = if key.is_empty() { "option" } else { key };
        assert!(refusal.sentence.contains(word), "{shown}: {}", refusal.sentence);
    }
    let descriptor = [("advance-counter", Fd::from(memfd.as_fd()).into())];
    assert_eq!(bench.refusal(&alice, descriptor.into()).await, INVALID);
    let mixed = [("next", true.into()), ("nonsense", true.into())];
    assert_eq!(bench.refusal(&alice, mixed.into()).await, INVALID);
    assert_eq!(bench.card().log().len(), before, "no command was sent");
    bench.client().calculate(&alice, Options::new()).await.unwrap();
}

#[testkit::test]
async fn credentials_are_found_by_known_attributes_only() {
    let bench = Bench::new("", "").await;
    let alice = bench.credential("alice").await;
    let find = async |attributes: &[(&str, &str)]| bench.client().find(attributes).await.unwrap().0;
    assert_eq!(find(&[]).await.len(), 4);
    assert_eq!(find(&[("type", "hotp")]).await.len(), 1);
    assert_eq!(find(&[("issuer", "AWS Cognito"), ("type", "totp")]).await, std::slice::from_ref(&alice));
    assert_eq!(find(&[("issuer", "")]).await.len(), 2);
    assert_eq!(find(&[("account", "Alice")]).await, [""; 0], "exact matches only");
    assert_eq!(find(&[("token", "31415926")]).await.len(), 4);
    let token: zbus::OwnedObjectPath = bench.client().property(&alice, "Credential", "Token").await.unwrap();
    assert_eq!(find(&[("token", token.as_str())]).await.len(), 4);
    assert_eq!(find(&[("token", "1")]).await, [""; 0]);
    assert_eq!(bench.client().find(&[("name", "alice")]).await.unwrap_err().name, INVALID);
}
