//! Rules for a credential or a profile.

use std::io::Write;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use oathbridge::dbus::names::ROOT;
use testkit::client::{Extra, Options, Refusal};
use zbus::{Fd, ObjectPath};

use super::{Bench, Fresh, ONE_ATTEMPT};

/// The pool and the app client of the fake's tokens belong to `work`; those of `home` are others.
const PROFILES: &str = "
[profiles.work]
region = 'eu-central-1'
user_pool_id = 'eu-central-1_FaKe00001'
client_id = 'fakeclientid00000000000001'
endpoint_url = 'COGNITO_URL'
account = 'user-0'
[profiles.home]
user_pool_id = 'us-east-1_Home00001'
client_id = 'homeclient'
endpoint_url = 'COGNITO_URL'
account = 'user-0'
";

fn config(scope: &str, submit: &str, programs: &str) -> String {
    format!(
        "{ONE_ATTEMPT}{PROFILES}[access]\nprograms = '{programs}'\n\
         [[access.rule]]\ncaller = 'executable:*'\n{scope}\nsubmit = '{submit}'\n"
    )
}

async fn verify(bench: &Bench, fresh: &Fresh, more: &[(&'static str, &str)]) -> Result<(), Refusal> {
    let mut options: Options<'_> = [("access-token", fresh.user.access_token.as_str().into())].into();
    options.extend(more.iter().map(|(key, value)| (*key, (*value).into())));
    bench.world.client.verify(&fresh.path, options).await.map(drop)
}

async fn respond(
    bench: &Bench,
    credential: &str,
    user: &str,
    more: &[(&'static str, &str)],
) -> Result<(), Refusal> {
    let session = bench.world.cognito.challenge(user, None, false).unwrap();
    let mut options: Options<'_> = [
        ("challenge-name", "SOFTWARE_TOKEN_MFA".into()),
        ("session", session.into()),
        ("username", user.into()),
    ]
    .into();
    options.extend(more.iter().map(|(key, value)| (*key, (*value).into())));
    let path = ObjectPath::try_from(credential).unwrap();
    let reply: Result<Extra, _> =
        bench.world.client.call(ROOT, "Cognito", "RespondToMfaChallenge", &(path, options)).await;
    reply.map(drop)
}

fn is_denied(result: Result<(), Refusal>) -> bool {
    result.is_err_and(|refusal| refusal.name == "AccessDenied")
}

#[testkit::test]
async fn a_rule_for_a_profile_is_for_its_pool_and_app_client_named_or_not() {
    let bench = Bench::new(&config("profile = 'work'", "deny", "allow")).await;
    let fresh = bench.fresh().await;
    let (region, client) = ([("region", "eu-central-1")], [("client-id", "fakeclientid00000000000001")]);
    // The access token is of the pool of `work`, so the daemon refuses the profile `home` by itself.
    for more in [&[("profile", "work")][..], &region] {
        assert!(is_denied(verify(&bench, &fresh, more).await), "{more:?}");
    }
    let unknown = [("client-id", "unknownclient")];
    let other_name = [("profile", "home")];
    for more in [
        &[("profile", "work")][..],
        &[region, client].concat(),
        &[region, unknown].concat(),
        &[other_name, client].concat(),
        &[other_name, unknown].concat(),
    ] {
        assert!(is_denied(respond(&bench, &fresh.path, "user-0", more).await), "{more:?}");
    }
    for profile in ["work", "home"] {
        let session = fresh.user.session.as_str();
        let options = [("session", session.into()), ("profile", profile.into())];
        let verified = bench.world.client.verify(&fresh.path, options.into()).await;
        assert!(is_denied(verified.map(drop)), "{profile}");
    }
    assert!(is_denied(respond(&bench, "/", "user-0", &[("profile", "work")]).await));
    assert_eq!(bench.arrived(), 0);
    // The app client of another profile, whose pool is another one.
    respond(&bench, &fresh.path, "user-0", &[("profile", "home")]).await.unwrap();
}

#[testkit::test]
async fn a_rule_can_allow_one_profile_only() {
    let bench = Bench::new(&config("profile = 'work'", "allow", "deny")).await;
    let fresh = bench.fresh().await;
    assert!(is_denied(respond(&bench, &fresh.path, "user-0", &[("profile", "home")]).await));
    let unknown = [("region", "eu-central-1"), ("client-id", "unknownclient")];
    let other_client = [("profile", "work"), ("client-id", "unknownclient")];
    for more in [unknown, other_client] {
        assert!(is_denied(respond(&bench, &fresh.path, "user-0", &more).await), "{more:?}");
    }
    verify(&bench, &fresh, &[("profile", "work")]).await.unwrap();
}

#[testkit::test]
async fn a_rule_for_a_credential_is_for_calls_that_name_it_or_find_it() {
    let bench = Bench::new(ONE_ATTEMPT).await;
    let (fresh, other) = (bench.fresh().await, bench.fresh().await);
    let id = fresh.path.rsplit('/').next().unwrap();
    let scope = format!("credential = '{id}'\nread_code = 'deny'");
    bench.world.configure(&config(&scope, "deny", "allow")).unwrap();
    bench.world.client.call::<_, ()>(ROOT, "Manager", "Reload", &()).await.unwrap();
    for path in [fresh.path.as_str(), "/"] {
        assert!(is_denied(respond(&bench, path, "user-0", &[("profile", "home")]).await), "{path}");
    }
    let calculated = bench.world.client.calculate(&fresh.path, Options::new()).await;
    assert!(is_denied(calculated.map(drop)));
    assert_eq!(bench.arrived(), 0);
    bench.world.client.calculate(&other.path, Options::new()).await.unwrap();
    respond(&bench, &other.path, "user-1", &[("profile", "home")]).await.unwrap();
}

/// The rule comes while the daemon reads the access token: after the other arguments, and before the credential is
/// found.
#[testkit::test]
async fn a_reload_while_a_descriptor_is_read_applies_to_the_call() {
    let bench = Bench::new(&config("", "allow", "allow")).await;
    let fresh = bench.fresh().await;
    let (mut writer, reader) = UnixStream::pair().unwrap();
    let options = [("access-token", Fd::from(reader.as_fd()).into()), ("profile", "work".into())];
    let verifying = bench.world.client.verify(&fresh.path, options.into());
    let reloading = async {
        let (first, rest) = fresh.user.access_token.split_at(10);
        writer.write_all(first.as_bytes()).unwrap();
        let begun = Instant::now();
        while rustix::io::ioctl_fionread(&reader).unwrap() > 0 {
            assert!(begun.elapsed() < Duration::from_secs(60), "the daemon does not read");
            tokio::task::yield_now().await;
        }
        bench.world.configure(&config("profile = 'work'", "deny", "allow")).unwrap();
        let client = bench.world.stage.client().await.unwrap();
        client.call::<_, ()>(ROOT, "Manager", "Reload", &()).await.unwrap();
        writer.write_all(rest.as_bytes()).unwrap();
        drop(writer);
    };
    let (verified, ()) = tokio::join!(verifying, reloading);
    assert!(is_denied(verified.map(drop)));
    assert_eq!(bench.arrived(), 0);
}
