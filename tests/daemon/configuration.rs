//! A configuration that is wrong: the daemon starts, refuses, and takes the corrected files.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]

use std::collections::HashMap;
use std::time::Duration;

use oathbridge::dbus::names::ROOT;
use rustix::process::{Pid, Signal, kill_process};
use testkit::client::{Options, Refusal};
use testkit::scenario::{Scenario, World, today};
use zbus::{ObjectPath, OwnedVariant, Variant};

const DAEMON: &str = env!("CARGO_BIN_EXE_oathbridged");

const TOKEN: &str = "[[token]]
serial = 31415926
credential = [{ issuer = 'AWS', account = 'alice', seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' }]
";

const ALLOWED: &str = "[pcsc]\nenabled = false\n";

const DENIED: &str =
    "[pcsc]\nenabled = false\n[[access.rule]]\ncaller = 'executable:*'\nread_code = 'deny'\n";

/// The same with a typo in line 6.
const BROKEN: &str = "[pcsc]\nenabled = false\n[[access.rule]]\ncaller = 'executable:*'\nread_code = 'deny'\nsumbit = 'deny'\n";

/// A credential that may exist.
const SOMETHING: &str =
    "/io/github/oathbridge/OathBridge1/credentials/ykoath_0011223344556677_8899aabbccddeeff";

/// The debug message about the first use of tokens.
const OPENING: &str = "opening the transports";

async fn started(config: &str) -> World {
    Scenario::program(DAEMON).virtual_tokens(TOKEN).config(config).start().await.unwrap()
}

/// A daemon whose clock stands still, before the times of all files that the test writes.
async fn stopped(config: &str) -> World {
    Scenario::inside().at(today()).virtual_tokens(TOKEN).config(config).start().await.unwrap()
}

/// Makes all files old enough to be complete.
fn wait(world: &World) {
    world.clock().unwrap().advance(Duration::from_secs(3600));
}

async fn code(world: &World, credential: &str) -> Result<(), Refusal> {
    world.client.calculate(credential, Options::new()).await.map(drop)
}

fn is_config_error(result: Result<(), Refusal>) {
    let refusal = result.unwrap_err();
    assert_eq!(refusal.name, "Config", "{}", refusal.sentence);
    let expected = "config/oathbridge/config.toml line 6: unknown key \"sumbit\" in [access.rule] (did you mean \"submit\"?); ";
    assert!(refusal.sentence.contains(expected), "{}", refusal.sentence);
}

async fn has_problem(world: &World, expected: bool) {
    let problems = world.client.problems().await.unwrap();
    assert_eq!(problems.contains(&"config-invalid".to_owned()), expected, "{problems:?}");
}

#[testkit::test]
async fn without_a_valid_configuration_nothing_is_opened_and_calls_are_refused() {
    let world = stopped(BROKEN).await;
    has_problem(&world, true).await;
    assert!(world.stage.log().unwrap().contains("did you mean \"submit\"?"));
    is_config_error(code(&world, SOMETHING).await);
    is_config_error(world.client.find(&[]).await.map(drop));
    is_config_error(world.client.reload().await);
    let credential = ObjectPath::try_from(SOMETHING).unwrap();
    for method in ["VerifySoftwareToken", "RespondToMfaChallenge"] {
        let body = (&credential, HashMap::<&str, Variant<'_>>::new());
        is_config_error(
            world
                .client
                .call::<_, HashMap<String, OwnedVariant>>(ROOT, "Cognito", method, &body)
                .await
                .map(drop),
        );
    }
    let served: HashMap<String, OwnedVariant> =
        world.client.call(ROOT, "Manager", "GetCallerInfo", &()).await.unwrap();
    for permission in ["read-code", "submit", "manage"] {
        let word = |key: &str| String::try_from(served[key].try_clone().unwrap()).unwrap();
        let answer = (word(permission), word(&format!("{permission}-reason")));
        assert_eq!(answer, ("deny".to_owned(), "config-invalid".to_owned()));
    }
    world.client.call::<_, ()>(ROOT, "Manager", "LockAll", &()).await.unwrap();
    let objects = world.client.objects().await.unwrap();
    assert!(!objects.keys().any(|path| path.contains("/tokens/")), "{objects:?}");
    assert!(!world.stage.log().unwrap().contains(OPENING));
    has_problem(&world, true).await;
}

#[testkit::test]
async fn a_later_call_takes_the_corrected_configuration_and_finds_the_tokens() {
    let world = stopped(BROKEN).await;
    is_config_error(world.client.find(&[]).await.map(drop));
    world.configure(DENIED).unwrap();
    wait(&world);
    let alice = world.client.credential("alice").await.unwrap();
    assert_eq!(code(&world, &alice).await.unwrap_err().name, "AccessDenied", "the rule holds");
    has_problem(&world, false).await;
    assert!(world.stage.log().unwrap().contains(OPENING));
}

#[testkit::test]
async fn a_file_that_is_emptied_before_it_is_written_allows_nothing() {
    let world = stopped(BROKEN).await;
    world.configure("").unwrap();
    is_config_error(world.client.find(&[]).await.map(drop));
    world.configure(DENIED).unwrap();
    wait(&world);
    let alice = world.client.credential("alice").await.unwrap();
    assert_eq!(code(&world, &alice).await.unwrap_err().name, "AccessDenied");
    // The same while the last good one is in force.
    world.configure(BROKEN).unwrap();
    is_config_error(world.client.reload().await);
    world.clock().unwrap().set_unix_time(Duration::from_secs(today()));
    world.configure("").unwrap();
    assert_eq!(code(&world, &alice).await.unwrap_err().name, "AccessDenied");
    has_problem(&world, true).await;
}

#[tokio::test]
async fn a_reload_takes_the_corrected_configuration_and_opens_the_tokens() {
    let world = started(BROKEN).await;
    world.configure(ALLOWED).unwrap();
    world.client.reload().await.unwrap();
    has_problem(&world, false).await;
    let alice = world.client.credential("alice").await.unwrap();
    code(&world, &alice).await.unwrap();
}

#[tokio::test]
async fn sighup_takes_the_corrected_configuration_and_opens_the_tokens() {
    let world = started(BROKEN).await;
    let mut signals = world.client.signals().await.unwrap();
    world.configure(ALLOWED).unwrap();
    let daemon = world.daemon.as_ref().unwrap().id().try_into().unwrap();
    kill_process(Pid::from_raw(daemon).unwrap(), Signal::HUP).unwrap();
    signals
        .until(|event| event.value::<String>("State").is_some_and(|state| state == "ready"))
        .await
        .unwrap();
    has_problem(&world, false).await;
}

#[testkit::test]
async fn a_file_that_breaks_later_leaves_the_last_good_one_in_force() {
    let world = stopped(DENIED).await;
    let alice = world.client.credential("alice").await.unwrap();
    world.configure(BROKEN).unwrap();
    is_config_error(world.client.reload().await);
    has_problem(&world, true).await;
    assert_eq!(code(&world, &alice).await.unwrap_err().name, "AccessDenied", "the rule still holds");
    world.configure(ALLOWED).unwrap();
    wait(&world);
    code(&world, &alice).await.unwrap();
    has_problem(&world, false).await;
    // A valid file is taken when it is asked for.
    world.configure(DENIED).unwrap();
    wait(&world);
    code(&world, &alice).await.unwrap();
}
