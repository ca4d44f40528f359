//! Invalid arguments are refused before the token or the network is used.

use zbus::Variant;

use super::{Bench, INVALID};

#[testkit::test]
async fn wrong_arguments_are_refused() {
    let bench = Bench::new().await;
    let card = bench.world.card().unwrap();
    let (log, session) = (card.log().len(), bench.session());
    for (key, value) in [
        ("challenge-name", Some(Variant::from("SMS_MFA"))),
        ("challenge-name", None),
        ("session", None),
        ("session", Some("short".into())),
        ("username", None),
        ("username", Some("a b".into())),
        ("client-id", Some("not a client".into())),
        ("client-secret", Some("short".into())),
        ("secret-hash", Some("not a hash".into())),
        ("device-key", Some("\u{1}".into())),
        ("client-metadata", Some("text".into())),
        ("region", Some("nowhere-9".into())),
        ("tokens-as-fd", Some("yes".into())),
        ("no-such-option", Some(true.into())),
    ] {
        let mut options = bench.options(&session);
        match value {
            Some(value) => options.insert(key, value),
            None => options.remove(key),
        };
        let refusal = bench.respond(&bench.first, options).await.unwrap_err();
        assert_eq!(refusal.name, INVALID, "{key}: {refusal:?}");
        assert!(refusal.sentence.ends_with('.'), "{refusal:?}");
    }
    let mut both = bench.options(&session);
    both.insert("client-secret", "abcdefghijklmnopqrstuvwx".into());
    both.insert("secret-hash", "aGFzaA==".into());
    assert_eq!(bench.respond(&bench.first, both).await.unwrap_err().name, INVALID);
    let mut unknown = bench.options(&session);
    unknown.insert("profile", "home".into());
    assert_eq!(bench.respond(&bench.first, unknown).await.unwrap_err().name, "NoSuchProfile");
    assert!(bench.world.cognito.log().is_empty() && card.log().len() == log);
}
