//! What a person has to do is told by the daemon alone: others would have a touch serve themselves.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

use oathbridge::dbus::names::ROOT;
use testkit::client::Client;
use zbus::Variant;

use super::rig::Rig;

/// Thrice the time after which the tool tells what it waits for.
const TOLD: Duration = Duration::from_millis(900);

/// The name on the bus of the tool, and its operation.
async fn tool_and_operation(client: &Client) -> (String, String) {
    let objects = client.objects().await.unwrap();
    let operation = objects.into_keys().find(|path| path.ends_with("/oathbridgectl")).unwrap();
    let rest = operation.strip_prefix(&format!("{ROOT}/operations/")).unwrap();
    let name = rest.split('/').next().unwrap().replace('_', ".");
    (format!(":{name}"), operation)
}

#[tokio::test]
async fn nobody_but_the_daemon_has_the_token_touched() {
    let rig = Rig::start();
    rig.use_steps("alice", 1);
    std::fs::write(rig.file("token"), &rig.user.access_token).unwrap();
    let mut tool = rig.tool();
    let mut child = tool
        .args(["verify", "alice", "--profile", "work", "--access-token-stdin"])
        .stdin(std::fs::File::open(rig.file("token")).unwrap())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.next().unwrap().starts_with("Waiting for the next time step"));
    let forger = Client::connect(rig.bus()).await.unwrap();
    let (name, operation) = tool_and_operation(&forger).await;
    let interface = "io.github.oathbridge.OathBridge1.Operation";
    let changed = HashMap::from([("State", Variant::from("waiting-touch"))]);
    let body = (interface, changed, Vec::<&str>::new());
    let properties = "org.freedesktop.DBus.Properties";
    let to = Some(name.as_str());
    forger.connection().emit_signal(to, operation, properties, "PropertiesChanged", &body).await.unwrap();
    // What isn't told can't be waited for.
    tokio::time::sleep(TOLD).await;
    child.kill().unwrap();
    child.wait().unwrap();
    let rest: Vec<_> = lines.collect();
    assert!(rest.is_empty(), "{rest:?}");
}
