//! A program with pycognito signs in by SRP at fake-cognito, and uses oathbridge for the second factor.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use data_encoding::BASE32_NOPAD;
use oathbridge::dbus::names;
use serde_json::{Value, json};
use testkit::fake_cognito::FakeCognito;
use testkit::patience::run_within;
use testkit::python;
use testkit::scenario::{Scenario, World, today};

const REQUIREMENTS: [&str; 3] = ["pycognito==2024.5.1", "boto3==1.44.8", "dbus-fast==5.2.0"];
const PROGRAM_TIMEOUT: Duration = Duration::from_secs(120);

const POOL: &str = "eu-central-1_FaKe00001";
const CLIENT: &str = "1h57kf5cpq17m0eml12EXAMPLE";
const SECRET: &str = "abcdefghijklmnopqrstuvwx";
const SEED: &[u8] = b"a seed of 32 bytes, as AWS's are";

/// A pool, and all but a daemon. Its clock stands still at the beginning of this time step: pycognito looks at the
/// system's.
async fn prepare() -> World {
    let config = format!(
        "[pcsc]\nenabled = false\n[profiles.work]\nregion = 'eu-central-1'\nuser_pool_id = '{POOL}'\n\
         client_id = '{CLIENT}'\nendpoint_url = 'COGNITO_URL'\n"
    );
    let world = Scenario::inside().at(today()).config(&config).prepare().await.unwrap();
    world.cognito.become_pool(POOL);
    world
}

/// A daemon with a token with this seed.
async fn start(world: &mut World, seed: &str) {
    let credential = format!("credential = [{{ issuer = 'AWS', account = 'alice', seed = '{seed}' }}]");
    world.stage.use_virtual_tokens(&format!("[[token]]\nserial = 31415926\n{credential}\n")).unwrap();
    world.start_daemon().await.unwrap();
}

/// The arguments of the program, with those for the daemon.
async fn arguments(world: &World, password: &str) -> Value {
    let mut arguments = arguments_of_sign_in(&world.cognito, password);
    arguments["bus"] = json!(world.stage.address());
    arguments["credential"] = json!(world.client.credential("alice").await.unwrap());
    arguments
}

fn arguments_of_sign_in(fake: &FakeCognito, password: &str) -> Value {
    json!({"url": fake.url(), "pool": POOL, "client": CLIENT, "username": "alice", "password": password})
}

/// Runs the program and returns its output.
async fn sign_in(way: &'static str, world: Value) -> Value {
    let run = move || {
        let python = python::environment("pycognito-venv", &REQUIREMENTS).unwrap().join("python");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cognito/emulators/sign_in.py");
        let mut command = Command::new(python);
        // Uses neither a proxy nor the AWS configuration of the developer.
        command.env_clear().arg(script).args([way, &world.to_string()]);
        run_within(&mut command, PROGRAM_TIMEOUT).unwrap()
    };
    let output = tokio::task::spawn_blocking(run).await.unwrap();
    assert!(output.status.success(), "{way}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The user `alice`, whose second factor is enrolled.
fn enrolled(fake: &FakeCognito) -> String {
    let ready = fake.ready_user("alice", SEED).unwrap();
    fake.challenge("alice", Some("My key"), false).unwrap();
    ready.password
}

#[testkit::test]
async fn oathbridge_answers_the_challenge_of_pycognito_s_sign_in() {
    let mut world = prepare().await;
    let password = enrolled(&world.cognito);
    start(&mut world, &BASE32_NOPAD.encode(SEED)).await;
    let done = sign_in("respond", arguments(&world, &password).await).await;
    assert_eq!(done, json!({"claims": "alice", "user": "alice"}));
    assert_eq!(world.cognito.submissions().len(), 1);
}

#[testkit::test]
async fn pycognito_answers_with_a_code_from_calculate() {
    let mut world = prepare().await;
    let password = enrolled(&world.cognito);
    start(&mut world, &BASE32_NOPAD.encode(SEED)).await;
    let done = sign_in("claim", arguments(&world, &password).await).await;
    let spent = format!("{}StepSpent", names::ERROR);
    assert_eq!(done, json!({"claims": "alice", "user": "alice", "again": spent}));
}

#[testkit::test]
async fn an_app_client_with_a_secret_signs_in_as_well() {
    let mut world = prepare().await;
    world.cognito.set_client_secret(SECRET);
    let password = enrolled(&world.cognito);
    start(&mut world, &BASE32_NOPAD.encode(SEED)).await;
    let mut arguments = arguments(&world, &password).await;
    arguments["secret"] = json!(SECRET);
    let done = sign_in("respond", arguments).await;
    assert_eq!(done, json!({"claims": "alice", "user": "alice"}));
}

/// pycognito cannot enrol with a session, so the first sign-in has no second factor.
#[testkit::test]
async fn oathbridge_verifies_a_token_that_pycognito_associated() {
    let mut world = prepare().await;
    world.cognito.make_mfa_optional();
    world.cognito.add_user("alice", "open sesame").unwrap();
    let associated = sign_in("associate", arguments_of_sign_in(&world.cognito, "open sesame")).await;
    let seed = associated["secret"].as_str().unwrap();
    assert_eq!(seed.len(), 52);
    start(&mut world, seed).await;
    let mut arguments = arguments(&world, "open sesame").await;
    arguments["access_token"] = associated["access_token"].clone();
    let done = sign_in("verify", arguments).await;
    assert_eq!(done, json!({"status": "SUCCESS", "name": "My key"}));
}
