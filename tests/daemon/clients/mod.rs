//! Every method, called by third-party clients: dbus-fast (Python) and gdbus (GLib).
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use data_encoding::BASE32_NOPAD;
use oathbridge::dbus::names::{self, ROOT};
use serde_json::json;
use testkit::client::Options;
use testkit::patience::run_within;
use testkit::python;
use testkit::scenario::{self, Scenario};
use zbus_xml::Node;

const DAEMON: &str = env!("CARGO_BIN_EXE_oathbridged");

/// The timeout for all calls of one client.
const CLIENT_TIMEOUT: Duration = Duration::from_secs(120);

/// A daemon with a token, and a fake Cognito with its seeds. Each submission has its own credential.
struct World {
    world: scenario::World,
    token: String,
    credentials: Vec<String>,
    access_token: String,
}

fn key(number: usize) -> Vec<u8> {
    format!("seed-of-credential-{number:02}").into_bytes()
}

impl World {
    async fn new() -> Self {
        let mut tokens = "[[token]]\nserial = 31415926\n".to_owned();
        for number in 0..3 {
            let seed = BASE32_NOPAD.encode(&key(number));
            writeln!(
                tokens,
                "[[token.credential]]\nissuer = 'AWS'\naccount = 'user{number}'\nseed = '{seed}'"
            )
            .unwrap();
        }
        let config = "[pcsc]\nenabled = false\n[profiles.work]\nregion = 'eu-central-1'\nclient_id = 'c'\n\
                      endpoint_url = 'COGNITO_URL'\n";
        let scenario = Scenario::program(DAEMON).virtual_tokens(&tokens).config(config);
        let world = scenario.start().await.unwrap();
        let (mut credentials, mut access_token) = (Vec::new(), String::new());
        for number in 0..3 {
            let account = format!("user{number}");
            let user = world.cognito.ready_user(&account, &key(number)).unwrap();
            credentials.push(world.client.credential(&account).await.unwrap());
            if number == 1 {
                access_token = user.access_token;
            }
        }
        let token: zbus::OwnedObjectPath =
            world.client.property(&credentials[0], "Credential", "Token").await.unwrap();
        Self { world, token: token.to_string(), credentials, access_token }
    }

    fn session(&self) -> String {
        self.world.cognito.challenge("user2", None, false).unwrap()
    }
}

/// `Interface.Method` of every shipped method.
fn methods() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/dbus-1/interfaces");
    let files = fs::read_dir(folder).unwrap().map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap());
    files
        .flat_map(|text| {
            let node = Node::from_reader(text.as_bytes()).unwrap();
            let interface = &node.interfaces()[0];
            let name = interface.name().rsplit('.').next().unwrap().to_owned();
            interface.methods().map(|method| format!("{name}.{}", method.name())).collect::<Vec<_>>()
        })
        .collect()
}

async fn run(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || run_within(&mut command, CLIENT_TIMEOUT).unwrap()).await.unwrap()
}

#[tokio::test]
async fn dbus_fast_calls_every_method() {
    let world = World::new().await;
    let python = python::environment("dbus-fast-venv", &["dbus-fast==5.2.0"]).unwrap().join("python");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/daemon/clients/dbus_fast_client.py");
    let arguments = json!({
        "address": world.world.stage.address(), "token": world.token, "credential": world.credentials[0],
        "verify": world.credentials[1], "respond": world.credentials[2], "access_token": world.access_token,
        "session": world.session(), "username": "user2",
    });
    let mut command = Command::new(python);
    command.arg(script).arg(arguments.to_string());
    let output = run(command).await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let called: BTreeMap<String, String> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(called.keys().cloned().collect::<BTreeSet<_>>(), methods());
    assert!(called.values().all(|outcome| outcome == "done"), "{called:?}");
}

#[tokio::test]
async fn gdbus_calls_every_method() {
    let world = World::new().await;
    world
        .world
        .client
        .calculate(&world.credentials[0], Options::from([("handle-token", "kept".into())]))
        .await
        .unwrap();
    let name =
        world.world.client.connection().unique_name().unwrap().trim_start_matches(':').replace('.', "_");
    let operation = format!("{ROOT}/operations/{name}/kept");
    let verify = format!("{{'profile': <'work'>, 'access-token': <'{}'>}}", world.access_token);
    let respond = format!(
        "{{'profile': <'work'>, 'challenge-name': <'SOFTWARE_TOKEN_MFA'>, 'session': <'{}'>, 'username': <'user2'>}}",
        world.session()
    );
    let password = world.world.stage.home().join("password");
    fs::write(&password, "password\n").unwrap();
    let mut called = BTreeSet::new();
    for (path, method, arguments, expected) in [
        (ROOT, "Manager.FindCredentials", vec!["{'issuer': 'AWS'}"], "objectpath"),
        (ROOT, "Manager.GetCallerInfo", vec![], "gdbus"),
        (ROOT, "Manager.Reload", vec![], "()"),
        (world.token.as_str(), "Token.Unlock", vec!["@h 0", "{}"], "()"),
        (world.credentials[0].as_str(), "Credential.Calculate", vec!["{}"], "('"),
        // Only the calling connection may read a result, and gdbus opens a new connection for each call.
        (operation.as_str(), "Operation.GetResult", vec![], "Error.AccessDenied"),
        (operation.as_str(), "Operation.Cancel", vec![], "(false,)"),
        (
            ROOT,
            "Cognito.VerifySoftwareToken",
            vec![world.credentials[1].as_str(), verify.as_str()],
            "'SUCCESS'",
        ),
        (
            ROOT,
            "Cognito.RespondToMfaChallenge",
            vec![world.credentials[2].as_str(), respond.as_str()],
            "'Bearer'",
        ),
        // The password is base32 by chance.
        (
            world.token.as_str(),
            "Token.AddCredential",
            vec!["@h 0", "{'account': <'new'>}"],
            "(objectpath '/io/",
        ),
        (
            world.credentials[1].as_str(),
            "Credential.Rename",
            vec!["AWS", "renamed", "{}"],
            "(objectpath '/io/",
        ),
        (world.credentials[0].as_str(), "Credential.Remove", vec!["{'confirm': <true>}"], "()"),
        (world.token.as_str(), "Token.SetPassword", vec!["@h 0", "{'confirm': <true>}"], "()"),
        (world.token.as_str(), "Token.Lock", vec![], "()"),
        (ROOT, "Manager.LockAll", vec![], "()"),
    ] {
        let mut command = Command::new("gdbus");
        command.args([
            "call",
            "--address",
            world.world.stage.address(),
            "--dest",
            names::BUS,
            "--object-path",
            path,
        ]);
        command.arg("--method").arg(format!("{}.{method}", names::BUS)).args(arguments);
        command.stdin(fs::File::open(&password).unwrap());
        let output = run(command).await;
        let said =
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(said.contains(expected), "{method}: {said}");
        called.insert(method.to_owned());
    }
    assert_eq!(called, methods());
}
