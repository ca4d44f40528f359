//! The daemon refuses invalid calls without using the token.

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};
use testkit::client::Options;
use testkit::scenario::START_UNIX_TIME;

use super::{Bench, INVALID, ONE_ATTEMPT};

const UNFIT: &str = "[[token.credential]]
account = 'sha256'
algorithm = 'SHA256'
seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'
[[token.credential]]
account = 'eight'
digits = 8
seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'
[[token.credential]]
account = 'minute'
period = 60
seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'
[[token.credential]]
account = 'counter'
type = 'hotp'
seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'
";

/// An access token with one claim changed.
fn token_with(claim: &str, value: Value) -> String {
    let mut claims = json!({
        "iss": "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_FaKe00001",
        "token_use": "access",
        "scope": "aws.cognito.signin.user.admin",
        "exp": START_UNIX_TIME + 3_600,
    });
    claims[claim] = value;
    let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
    format!("{}.{}.c2lnbmF0dXJl", part(&json!({"alg": "RS256"})), part(&claims))
}

#[testkit::test]
async fn wrong_arguments_are_refused() {
    let bench = Bench::with_more(UNFIT, ONE_ATTEMPT).await;
    let fresh = bench.fresh().await;
    let before = bench.world.card().unwrap().log().len();
    let (token, session) = (fresh.user.access_token.as_str(), fresh.user.session.as_str());
    let id_token = token_with("token_use", json!("id"));
    let expired = token_with("exp", json!(1_000_000_000));
    let without_scope = token_with("scope", json!("openid profile"));
    let elsewhere = token_with("iss", json!("https://example.com/eu-central-1_FaKe00001"));
    let endless = format!("{token}{}", "A".repeat(20_000));
    let cases: Vec<(&str, Options<'_>, &str)> = vec![
        ("neither", [("profile", "fake".into())].into(), INVALID),
        (
            "both",
            [("access-token", token.into()), ("session", session.into()), ("profile", "fake".into())].into(),
            INVALID,
        ),
        ("ID token", [("access-token", id_token.as_str().into())].into(), INVALID),
        ("expired", [("access-token", expired.as_str().into())].into(), "Cognito.TokenExpired"),
        ("scope", [("access-token", without_scope.as_str().into())].into(), "Cognito.ScopeMissing"),
        ("no token", [("access-token", "eyJhbGciOi".into())].into(), INVALID),
        ("too long", [("access-token", endless.as_str().into())].into(), INVALID),
        ("foreign issuer, no region", [("access-token", elsewhere.as_str().into())].into(), INVALID),
        ("short session", [("session", "short".into()), ("profile", "fake".into())].into(), INVALID),
        ("session, no region", [("session", session.into())].into(), INVALID),
        ("unknown region", [("access-token", token.into()), ("region", "eu-moon-1".into())].into(), INVALID),
        (
            "region with more in it",
            [("access-token", token.into()), ("region", "eu-central-1.evil.example/".into())].into(),
            INVALID,
        ),
        (
            "unknown profile",
            [("access-token", token.into()), ("profile", "nonsense".into())].into(),
            "NoSuchProfile",
        ),
        (
            "unknown option",
            [("access-token", token.into()), ("endpoint-url", "http://127.0.0.1:1".into())].into(),
            INVALID,
        ),
        ("wrong type", [("access-token", 5_u32.into()), ("profile", "fake".into())].into(), INVALID),
        (
            "timeout",
            [("access-token", token.into()), ("profile", "fake".into()), ("timeout", 0_u32.into())].into(),
            INVALID,
        ),
    ];
    for (what, options, error) in cases {
        assert_eq!(bench.refusal(&fresh.path, options).await, error, "{what}");
    }
    let good = || -> Options<'_> { [("access-token", token.into()), ("profile", "fake".into())].into() };
    for path in ["/", "/io/github/oathbridge/OathBridge1", "/io/github/oathbridge/OathBridge1/tokens/x"] {
        assert_eq!(bench.refusal(path, good()).await, INVALID, "{path}");
    }
    assert_eq!(bench.world.card().unwrap().log().len(), before, "no command was sent");
    assert_eq!(bench.arrived(), 0);
}

#[testkit::test]
async fn unsupported_credentials_are_refused() {
    let bench = Bench::with_more(UNFIT, ONE_ATTEMPT).await;
    let fresh = bench.fresh().await;
    let before = bench.world.card().unwrap().log().len();
    for (account, reason) in
        [("sha256", "SHA256"), ("eight", "8 digits"), ("minute", "60 seconds"), ("counter", "time-based")]
    {
        let path = bench.world.client.credential(account).await.unwrap();
        let token = fresh.user.access_token.as_str();
        let options = [("access-token", token.into()), ("profile", "fake".into())];
        let refusal = bench.world.client.verify(&path, options.into()).await.unwrap_err();
        assert_eq!(refusal.name, "Unsupported", "{account}");
        assert!(refusal.sentence.contains(reason), "{account}: {}", refusal.sentence);
    }
    let card = bench.world.card().unwrap();
    assert_eq!(card.log().len(), before, "no command was sent");
    assert_eq!((card.hotp_counter("counter"), bench.arrived()), (Some(0), 0));
}
