//! Only the daemon's signals make the tool ask for a touch; another program could misuse the touch.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

use oathbridge::dbus::names::ROOT;
use testkit::client::Client;
use zbus::Variant;

use super::rig::Rig;

/// Three times the delay after which the tool shows its wait.
const SHOWN_AFTER: Duration = Duration::from_millis(900);

/// The unique bus name of the tool, and its operation.
async fn tool_and_operation(client: &Client) -> (String, String) {
    let objects = client.objects().await.unwrap();
    let operation = objects.into_keys().find(|path| path.ends_with("/oathbridgectl")).unwrap();
    let rest = operation.strip_prefix(&format!("{ROOT}/operations/")).unwrap();
    let name = rest.split('/').next().unwrap().replace('_', ".");
    (format!(":{name}"), operation)
}

#[test]
fn forged_signals_do_not_ask_for_a_touch() {
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
    rig.block_on(async {
        let forger = Client::connect(rig.bus()).await.unwrap();
        let (name, operation) = tool_and_operation(&forger).await;
        let interface = "io.github.oathbridge.OathBridge1.Operation";
        let changed = HashMap::from([("State", Variant::from("waiting-touch"))]);
        let body = (interface, changed, Vec::<&str>::new());
        let properties = "org.freedesktop.DBus.Properties";
        let to = Some(name.as_str());
        forger.connection().emit_signal(to, operation, properties, "PropertiesChanged", &body).await.unwrap();
        // There is no event for a message that is not shown, so the test waits for a fixed time.
        tokio::time::sleep(SHOWN_AFTER).await;
    });
    child.kill().unwrap();
    child.wait().unwrap();
    let rest: Vec<_> = lines.collect();
    assert!(rest.is_empty(), "{rest:?}");
}
