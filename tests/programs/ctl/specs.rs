//! The virtual tokens and the configurations of the rig.

/// Without smart cards, and with a profile.
pub(super) const CONFIG: &str = "[pcsc]
enabled = false
[profiles.work]
region = 'eu-central-1'
endpoint_url = 'COGNITO_URL'
issuer = 'AWS'
account = 'alice'
";

/// A test that waits for the status asks for it as often as it can.
pub(super) const MANY_QUERIES: &str = "[limits]
all_queries_per_second = 1000000
queries_per_second = 1000000
";

/// A token without a password.
pub(super) const TOKENS: &str = r#"
[[token]]
serial = 11112222
touch = { after-seconds = 1.0 }
[[token.credential]]
issuer = "AWS"
account = "alice"
seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
[[token.credential]]
issuer = "AWS"
account = "touched"
touch = true
seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
[[token.credential]]
issuer = "VPN"
account = "dave"
type = "hotp"
seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
[[token.credential]]
issuer = "_hidden"
account = "bob"
seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
[[token.credential]]
issuer = "Evil\u001b[31m"
account = "mallory\u200bAWS"
seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
"#;

/// A token with a password.
pub(super) const LOCKED: &str = r#"
[[token]]
serial = 33334444
password = "open sesame 8d5f"
[[token.credential]]
issuer = "AWS"
account = "alice"
seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
"#;

/// A token whose PIN is the password of the locked one.
pub(super) const WITH_PIN: &str = r#"
[[token]]
serial = 33334444
model = "nitrokey-3"
pin = "open sesame 8d5f"
touch = { after-seconds = 0.0 }
[[token.credential]]
account = "hidden"
pin = true
seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
"#;

/// A token whose only credential is hidden.
pub(super) const HIDDEN: &str = r#"
[[token]]
serial = 55556666
[[token.credential]]
issuer = "_hidden"
account = "bob"
seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
"#;

/// A token with the credential of README's profile.
pub(super) const OF_README: &str = r#"
[[token]]
serial = 12345678
[[token.credential]]
issuer = "AWS Cognito"
account = "alice@example.com"
seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
"#;
