//! The app client's secret in a systemd credential, so that programs do not need it.

use std::fs;
use std::path::PathBuf;

use testkit::rig::step_with_room;

use super::{Bench, CLIENT};

const SECRET: &str = "abcdefghijklmnopqrstuvwx";

/// The credentials directory of systemd.
fn directory(bench: &Bench) -> PathBuf {
    bench.rig.stage.home().join("credentials")
}

/// A daemon with this environment, and with `client_secret_credential` in its profile.
async fn bench(variable: Option<&str>) -> Bench {
    let mut bench = Bench::new().await;
    bench.rig.daemon.take().unwrap().terminate().unwrap();
    bench.rig.client.wait_for_name(false).await.unwrap();
    fs::create_dir(directory(&bench)).unwrap();
    if let Some(variable) = variable {
        bench.rig.stage.set_variable(
            "CREDENTIALS_DIRECTORY",
            variable.replace('~', bench.rig.stage.home().to_str().unwrap()),
        );
    }
    let lines = format!("{}client_secret_credential = 'client.secret'\n", super::alice());
    bench.rig.stage.configure(&super::config(&bench.fake, &lines)).unwrap();
    bench.rig.daemon = Some(bench.rig.stage.start(&bench.rig.client).await.unwrap());
    // The reply comes when the tokens have been read.
    bench.rig.client.find(&[]).await.unwrap();
    bench.fake.set_client_secret(SECRET);
    bench
}

fn put(bench: &Bench, content: impl AsRef<[u8]>) {
    fs::write(directory(bench).join("client.secret"), content).unwrap();
}

#[tokio::test]
async fn the_daemon_proves_the_app_client_with_the_systemd_credential() {
    for end in ["", "\n", "\r\n"] {
        let bench = bench(Some("~/credentials")).await;
        // Written after the start of the daemon, which reads it only when needed.
        put(&bench, format!("{SECRET}{end}"));
        step_with_room(10).await;
        let reply = bench.respond(&bench.first, bench.options(&bench.session())).await.unwrap();
        assert!(reply.contains_key("authentication-result"), "{end:?}");
    }
}

#[tokio::test]
async fn a_secret_from_the_caller_has_priority() {
    let bench = bench(Some("~/credentials")).await;
    put(&bench, "0123456789012345678901234");
    step_with_room(20).await;
    // The systemd credential has the secret of another client, so a successful call did not use it.
    let mut options = bench.options(&bench.session());
    options.insert("client-secret", SECRET.into());
    bench.respond(&bench.first, options).await.unwrap();
    bench.assert_single_use();
}

#[tokio::test]
async fn the_secret_is_used_only_for_its_own_app_client() {
    let bench = bench(Some("~/credentials")).await;
    put(&bench, SECRET);
    step_with_room(10).await;
    let mut options = bench.options(&bench.session());
    options.insert("client-id", "another".into());
    let refusal = bench.respond(&bench.first, options).await.unwrap_err();
    assert_eq!(refusal.name, "Cognito.NotAuthorized");

    // The profile's own app client, by its id.
    let mut options = bench.options(&bench.session());
    options.insert("client-id", CLIENT.into());
    options.insert("timeout", 60_u32.into());
    bench.respond(&bench.first, options).await.unwrap();
}

#[tokio::test]
async fn without_the_systemd_credential_the_error_says_how_to_pass_it() {
    for variable in [None, Some("credentials"), Some("~/credentials"), Some("~/nowhere")] {
        let bench = bench(variable).await;
        let log = bench.rig.card().unwrap().log().len();
        let session = bench.session();
        let refusal = bench.respond(&bench.first, bench.options(&session)).await.unwrap_err();
        assert_eq!(refusal.name, "Config", "{variable:?}");
        for part in [
            "\"client.secret\"",
            "LoadCredential=client.secret:",
            "SetCredentialEncrypted=client.secret:",
            "drop-in",
        ] {
            assert!(refusal.sentence.contains(part), "{refusal:?}");
        }
        assert!(bench.fake.log().is_empty() && bench.rig.card().unwrap().log().len() == log);
    }
}

#[tokio::test]
async fn a_systemd_credential_that_is_no_client_secret_is_not_sent() {
    let bench = bench(Some("~/credentials")).await;
    let long = "a".repeat(2_000);
    for content in [
        "".as_bytes(),
        b"\n",
        b"short",
        b"\xff\xfe, which is not UTF-8 and no secret",
        b"abcdefghijklmnopqrstuvwx\n\n",
        long.as_bytes(),
    ] {
        put(&bench, content);
        let refusal = bench.respond(&bench.first, bench.options(&bench.session())).await.unwrap_err();
        assert_eq!(refusal.name, "Config", "{content:?}");
        assert!(refusal.sentence.contains("is not the secret of an app client"), "{refusal:?}");
    }
    fs::remove_file(directory(&bench).join("client.secret")).unwrap();
    fs::create_dir(directory(&bench).join("client.secret")).unwrap();
    let refusal = bench.respond(&bench.first, bench.options(&bench.session())).await.unwrap_err();
    assert!(refusal.name == "Config" && refusal.sentence.contains("can't be read"), "{refusal:?}");
    assert!(bench.fake.log().is_empty());
}
