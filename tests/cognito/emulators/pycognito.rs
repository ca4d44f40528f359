//! A program with pycognito signs in by SRP at fake-cognito, and uses oathbridge for the second factor.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use data_encoding::BASE32_NOPAD;
use oathbridge::dbus::names;
use serde_json::{Value, json};
use testkit::client::Client;
use testkit::daemon::{Daemon, Stage};
use testkit::fake_cognito::{self, FakeCognito};
use testkit::patience::run_within;
use testkit::python;
use testkit::rig::step_with_room;

use super::DAEMON;

const REQUIREMENTS: [&str; 3] = ["pycognito==2024.5.1", "boto3==1.44.8", "dbus-fast==5.2.0"];
const LIMIT: Duration = Duration::from_secs(120);

const POOL: &str = "eu-central-1_FaKe00001";
const CLIENT: &str = "1h57kf5cpq17m0eml12EXAMPLE";
const SECRET: &str = "abcdefghijklmnopqrstuvwx";
const SEED: &[u8] = b"a seed of 32 bytes, as AWS's are";

struct Desk {
    stage: Stage,
    client: Client,
    _daemon: Daemon,
}

fn pool() -> FakeCognito {
    let fake = FakeCognito::start(fake_cognito::Options::default()).unwrap();
    fake.become_pool(POOL);
    fake
}

impl Desk {
    /// A daemon with a token with this seed, and a profile for the fake Cognito.
    async fn new(fake: &FakeCognito, seed: &str) -> Self {
        let mut stage = Stage::new(DAEMON).unwrap();
        let credential = format!("credential = [{{ issuer = 'AWS', account = 'alice', seed = '{seed}' }}]");
        stage.use_virtual_tokens(&format!("[[token]]\nserial = 31415926\n{credential}\n")).unwrap();
        let url = fake.url();
        let config = format!(
            "[pcsc]\nenabled = false\n[profiles.work]\nregion = 'eu-central-1'\nuser_pool_id = '{POOL}'\n\
             client_id = '{CLIENT}'\nendpoint_url = '{url}'\n"
        );
        stage.configure(&config).unwrap();
        let client = stage.client().await.unwrap();
        let _daemon = stage.start(&client).await.unwrap();
        Self { stage, client, _daemon }
    }

    async fn world(&self, fake: &FakeCognito, password: &str) -> Value {
        let mut world = world(fake, password);
        world["bus"] = json!(self.stage.address());
        world["credential"] = json!(self.client.credential("alice").await.unwrap());
        world
    }
}

fn world(fake: &FakeCognito, password: &str) -> Value {
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
        run_within(&mut command, LIMIT).unwrap()
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

#[tokio::test]
async fn oathbridge_answers_the_challenge_of_pycognito_s_sign_in() {
    let fake = pool();
    let password = enrolled(&fake);
    let desk = Desk::new(&fake, &BASE32_NOPAD.encode(SEED)).await;
    let done = sign_in("respond", desk.world(&fake, &password).await).await;
    assert_eq!(done, json!({"claims": "alice", "user": "alice"}));
    assert_eq!(fake.submissions().len(), 1);
}

#[tokio::test]
async fn pycognito_answers_with_a_code_from_calculate() {
    let fake = pool();
    let password = enrolled(&fake);
    let desk = Desk::new(&fake, &BASE32_NOPAD.encode(SEED)).await;
    step_with_room(15).await;
    let done = sign_in("claim", desk.world(&fake, &password).await).await;
    let spent = format!("{}StepSpent", names::ERROR);
    assert_eq!(done, json!({"claims": "alice", "user": "alice", "again": spent}));
}

#[tokio::test]
async fn an_app_client_with_a_secret_signs_in_as_well() {
    let fake = pool();
    fake.set_client_secret(SECRET);
    let password = enrolled(&fake);
    let desk = Desk::new(&fake, &BASE32_NOPAD.encode(SEED)).await;
    let mut world = desk.world(&fake, &password).await;
    world["secret"] = json!(SECRET);
    let done = sign_in("respond", world).await;
    assert_eq!(done, json!({"claims": "alice", "user": "alice"}));
}

/// pycognito cannot enrol with a session, so the first sign-in has no second factor.
#[tokio::test]
async fn oathbridge_verifies_a_token_that_pycognito_associated() {
    let fake = pool();
    fake.make_mfa_optional();
    fake.add_user("alice", "open sesame").unwrap();
    let associated = sign_in("associate", world(&fake, "open sesame")).await;
    let seed = associated["secret"].as_str().unwrap();
    assert_eq!(seed.len(), 52);
    let desk = Desk::new(&fake, seed).await;
    let mut world = desk.world(&fake, "open sesame").await;
    world["access_token"] = associated["access_token"].clone();
    let done = sign_in("verify", world).await;
    assert_eq!(done, json!({"status": "SUCCESS", "name": "My key"}));
}
