//! The profile selects the credential.

use oathbridge::dbus::names::ROOT;
use testkit::client::Options;
use zbus::OwnedObjectPath;

use super::{Bench, INVALID, ONE_ATTEMPT};

const SHARED: &str = "[[token.credential]]
issuer = 'Shared'
account = 'one'
seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'
[[token.credential]]
issuer = 'Shared'
account = 'two'
seed = 'MFRGGZDFMZTWQ2LKMFRGGZDFMZTWQ2LK'
";

const PROFILES: &str = "
[profiles.one]
region = 'eu-central-1'
user_pool_id = 'eu-central-1_FaKe00001'
client_id = 'fakeclientid00000000000001'
client_secret_credential = 'one.secret'
endpoint_url = 'COGNITO_URL'
account = 'user-0'
[profiles.several]
region = 'eu-central-1'
endpoint_url = 'COGNITO_URL'
issuer = 'Shared'
[profiles.missing]
region = 'eu-central-1'
endpoint_url = 'COGNITO_URL'
account = 'nobody'
[profiles.elsewhere]
region = 'eu-central-1'
endpoint_url = 'COGNITO_URL'
account = 'user-0'
token = 'ykoath_0000000000000000'
[profiles.otherpool]
region = 'eu-central-1'
user_pool_id = 'eu-central-1_Other0001'
endpoint_url = 'COGNITO_URL'
account = 'user-0'
";

#[testkit::test]
async fn the_only_matching_credential_is_used() {
    let bench = Bench::with_more(SHARED, &format!("{ONE_ATTEMPT}{PROFILES}")).await;
    let fresh = bench.fresh().await;
    let client = &bench.world.client;
    let path = format!("{ROOT}/profiles/one");
    let shown: OwnedObjectPath = client.property(&path, "Profile", "Credential").await.unwrap();
    assert_eq!(shown.as_str(), fresh.path);
    for (name, value) in [
        ("Name", "one".to_owned()),
        ("Region", "eu-central-1".to_owned()),
        ("UserPoolId", "eu-central-1_FaKe00001".to_owned()),
        ("ClientId", "fakeclientid00000000000001".to_owned()),
        ("ClientSecretCredential", "one.secret".to_owned()),
        ("Endpoint", bench.world.cognito.url()),
    ] {
        assert_eq!(client.property::<String>(&path, "Profile", name).await.unwrap(), value);
    }

    let token = fresh.user.access_token.as_str();
    let options = |profile| -> Options<'_> { [("access-token", token.into()), ("profile", profile)].into() };
    for (profile, error) in [
        ("several", "Ambiguous"),
        ("missing", "NoSuchCredential"),
        ("elsewhere", "NoSuchCredential"),
        ("fake", INVALID),
        ("otherpool", INVALID),
    ] {
        assert_eq!(bench.refusal("/", options(profile.into())).await, error, "{profile}");
    }
    for profile in ["several", "missing", "elsewhere", "fake"] {
        let path = format!("{ROOT}/profiles/{profile}");
        let shown: OwnedObjectPath = client.property(&path, "Profile", "Credential").await.unwrap();
        assert_eq!(shown.as_str(), "/", "{profile}");
    }
    assert_eq!(bench.arrived(), 0);
    client.verify("/", options("one".into())).await.unwrap();
    assert_eq!(bench.world.cognito.log().pop().unwrap().user.as_deref(), Some("user-0"));
}
