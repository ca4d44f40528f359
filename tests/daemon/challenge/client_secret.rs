//! The app client's secret in a systemd credential, so that programs do not need it.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use testkit::scenario::{Scenario, World};

use super::{Bench, CLIENT, DAEMON, TOKENS};

const SECRET: &str = "abcdefghijklmnopqrstuvwx";

/// The credentials directory of systemd.
fn directory(bench: &Bench) -> PathBuf {
    bench.world.stage.home().join("credentials")
}

/// A profile that keeps a secret.
fn config() -> String {
    super::config(&format!("{}client_secret_credential = 'client.secret'\n", super::alice()))
}

/// A bench with that profile. The process of the test has the directory in its environment.
async fn bench() -> Bench {
    with_directory(Scenario::inside().cards(TOKENS).config(&config()).start().await.unwrap()).await
}

/// The same with a program, that was started with this in its environment; `~` is its home.
async fn program(variable: Option<&str>) -> Bench {
    let mut world = Scenario::program(DAEMON).cards(TOKENS).config(&config()).prepare().await.unwrap();
    if let Some(variable) = variable {
        let home = world.stage.home().to_str().unwrap().to_owned();
        world.stage.set_variable("CREDENTIALS_DIRECTORY", variable.replace('~', &home));
    }
    world.start_daemon().await.unwrap();
    with_directory(world).await
}

async fn with_directory(world: World) -> Bench {
    let bench = Bench::of(world).await;
    fs::create_dir(directory(&bench)).unwrap();
    bench.world.cognito.set_client_secret(SECRET);
    bench
}

fn put(bench: &Bench, content: impl AsRef<[u8]>) {
    fs::write(directory(bench).join("client.secret"), content).unwrap();
}

#[testkit::test]
async fn the_daemon_proves_the_app_client_with_the_systemd_credential() {
    let bench = bench().await;
    for end in ["", "\n", "\r\n"] {
        // Written after the start of the daemon, which reads it only when needed.
        put(&bench, format!("{SECRET}{end}"));
        let reply = bench.respond(&bench.first, bench.options(&bench.session())).await.unwrap();
        assert!(reply.contains_key("authentication-result"), "{end:?}");
        bench.world.clock().unwrap().advance(Duration::from_secs(30));
    }
}

#[testkit::test]
async fn a_secret_from_the_caller_has_priority() {
    let bench = bench().await;
    put(&bench, "0123456789012345678901234");
    // The systemd credential has the secret of another client, so a successful call did not use it.
    let mut options = bench.options(&bench.session());
    options.insert("client-secret", SECRET.into());
    bench.respond(&bench.first, options).await.unwrap();
    bench.assert_single_use();
}

#[testkit::test]
async fn the_secret_is_used_only_for_its_own_app_client() {
    let bench = bench().await;
    put(&bench, SECRET);
    let mut options = bench.options(&bench.session());
    options.insert("client-id", "another".into());
    let refusal = bench.respond(&bench.first, options).await.unwrap_err();
    assert_eq!(refusal.name, "Cognito.NotAuthorized");

    // The profile's own app client, by its id.
    let mut options = bench.options(&bench.session());
    options.insert("client-id", CLIENT.into());
    options.insert("timeout", 60_u32.into());
    bench.in_the_next_step(bench.respond(&bench.first, options)).await.unwrap();
}

#[testkit::test]
async fn without_the_systemd_credential_the_error_says_how_to_pass_it() {
    for variable in [None, Some("credentials"), Some("~/credentials"), Some("~/nowhere")] {
        let bench = program(variable).await;
        let log = bench.world.card().unwrap().log().len();
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
        assert!(bench.world.cognito.log().is_empty() && bench.world.card().unwrap().log().len() == log);
    }
}

#[testkit::test]
async fn a_systemd_credential_that_is_no_client_secret_is_not_sent() {
    let bench = bench().await;
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
    assert!(refusal.name == "Config" && refusal.sentence.contains("not a readable file"), "{refusal:?}");
    assert!(bench.world.cognito.log().is_empty());
}
