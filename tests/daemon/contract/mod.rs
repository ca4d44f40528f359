//! Compares the documented D-Bus contract with the running daemon.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "the whole file is a test"
)]

mod introspection;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use futures_util::StreamExt;
use testkit::bus::PrivateBus;
use testkit::tested;
use tokio::time::timeout;
use zbus::fdo::{DBusProxy, RequestNameFlags, RequestNameReply};
use zbus::names::BusName;
use zbus::{Connection, OwnedObjectPath, OwnedVariant, Proxy, connection};
use zbus_xml::Node;

use introspection::{annotation, collect, members, shipped};

const NAME: &str = "io.github.oathbridge.OathBridge1";
const ROOT: &str = "/io/github/oathbridge/OathBridge1";
const EMITS: &str = "org.freedesktop.DBus.Property.EmitsChangedSignal";
const UNIX_FD: &str = "org.gtk.GDBus.C.UnixFD";

/// A generous timeout that only a failure reaches.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// Without PC/SC, so that `Settled` depends only on the virtual tokens.
const CONFIG: &str = r#"
[pcsc]
enabled = false
[profiles.work]
region = "eu-central-1"
issuer = "AWS Cognito"
account = "alice@example.com"
"#;

/// A daemon with the demo tokens and one profile on a private bus, after it has read everything.
struct Daemon {
    child: Child,
    connection: Connection,
    bus: PrivateBus,
    home: tempfile::TempDir,
}

impl Daemon {
    async fn start() -> Self {
        let bus = PrivateBus::start().unwrap();
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("config.toml"), CONFIG).unwrap();
        let connection = connection::Builder::address(bus.address()).build().await.unwrap();
        let dbus = DBusProxy::new(&connection).await.unwrap();
        let mut owners = dbus.receive_name_owner_changed().await.unwrap();
        let child = oathbridged(&bus, home.path(), Command::new(program()));
        let appears = async { while owners.next().await.unwrap().args().unwrap().name != NAME {} };
        timeout(START_TIMEOUT, appears).await.expect("the daemon doesn't come up");
        let daemon = Self { child, connection, bus, home };
        daemon.find().await;
        daemon
    }

    /// All credentials; the reply comes after everything has been read and published.
    async fn find(&self) -> Vec<OwnedObjectPath> {
        let none = HashMap::<String, String>::new();
        let (found, _): (Vec<OwnedObjectPath>, Vec<OwnedObjectPath>) =
            self.proxy(ROOT, "Manager").await.call("FindCredentials", &(none)).await.unwrap();
        found
    }

    async fn proxy(&self, path: &str, interface: &str) -> Proxy<'static> {
        let interface = format!("{NAME}.{interface}");
        Proxy::new(&self.connection, NAME, path.to_owned(), interface).await.unwrap()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn program() -> PathBuf {
    tested::program(env!("CARGO_BIN_EXE_oathbridged")).unwrap()
}

fn oathbridged(bus: &PrivateBus, home: &Path, mut program: Command) -> Child {
    program
        .arg("--virtual-token")
        .arg(format!("--config={}", home.join("config.toml").display()))
        .env("DBUS_SESSION_BUS_ADDRESS", bus.address())
        .env("HOME", home)
        .env_remove("XDG_STATE_HOME")
        .spawn()
        .unwrap()
}

#[tokio::test]
async fn shipped_and_live_introspection_agree() {
    let daemon = Daemon::start().await;
    let credential = daemon.find().await.swap_remove(0);
    let named =
        HashMap::from([("handle-token", zbus::Variant::from("shown")), ("interactive", false.into())]);
    // The operation is kept, whether or not the call succeeds.
    let _ =
        daemon.proxy(credential.as_str(), "Credential").await.call::<_, _, ()>("Calculate", &(named)).await;
    let root =
        Proxy::new(&daemon.connection, NAME, "/", "org.freedesktop.DBus.Introspectable").await.unwrap();
    let text: String = root.call("Introspect", &()).await.unwrap();
    let mut live = BTreeMap::new();
    collect(&Node::from_reader(text.as_bytes()).unwrap(), &mut live);

    let shipped = shipped();
    let names = |map: &BTreeMap<String, _>| map.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&live), shipped.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>());
    for (name, text) in shipped {
        let node = Node::from_reader(text.as_bytes()).unwrap();
        assert_eq!(node.interfaces().len(), 1, "{name}");
        assert_eq!(node.interfaces()[0].name(), name.as_str());
        let shipped = members(&node.interfaces()[0]);
        for (place, live) in live[&name].iter().enumerate() {
            assert_eq!(live, &shipped, "{name} at object {place}: live on the left, shipped on the right");
        }
    }
}

#[test]
fn every_member_is_documented_and_annotated() {
    for (name, text) in shipped() {
        let node = Node::from_reader(text.as_bytes()).unwrap();
        let interface = &node.interfaces()[0];
        let documented = |member: &str| assert!(text.contains(&format!("\n      {member}:\n")), "{member}");
        assert!(text.contains(&format!("\n    {name}:\n    @short_description: ")), "{name}");
        for method in interface.methods() {
            documented(&method.name());
            for arg in method.args() {
                assert!(text.contains(&format!("\n      @{}: ", arg.name().unwrap())), "{arg:?}");
            }
            let has_fd = method.args().iter().any(|arg| arg.ty().to_string() == "h");
            assert_eq!(annotation(method.annotations(), UNIX_FD).is_some(), has_fd, "{}", method.name());
        }
        for property in interface.properties() {
            documented(&property.name());
            assert!(annotation(property.annotations(), EMITS).is_some(), "{}", property.name());
        }
    }
}

#[tokio::test]
async fn the_name_cannot_be_stolen() {
    let daemon = Daemon::start().await;
    let dbus = DBusProxy::new(&daemon.connection).await.unwrap();
    let name = BusName::try_from(NAME).unwrap();
    let owner = dbus.get_name_owner(name.clone()).await.unwrap();
    let thief = connection::Builder::address(daemon.bus.address()).build().await.unwrap();
    let thief = DBusProxy::new(&thief).await.unwrap();
    let all = RequestNameFlags::REPLACE_EXISTING | RequestNameFlags::ALLOW_REPLACEMENT;
    for (flags, reply) in [
        (RequestNameFlags::REPLACE_EXISTING | RequestNameFlags::DO_NOT_QUEUE, RequestNameReply::Exists),
        (all, RequestNameReply::InQueue),
    ] {
        assert_eq!(thief.request_name(NAME.try_into().unwrap(), flags).await.unwrap(), reply);
        assert_eq!(dbus.get_name_owner(name.clone()).await.unwrap(), owner);
    }
    assert_eq!(daemon.find().await.len(), 6);
}

#[tokio::test]
async fn a_second_daemon_ends_with_an_error_message() {
    let daemon = Daemon::start().await;
    // If the daemon did not end, the test would fail with timeout's exit code 124.
    let second = Command::new("timeout")
        .arg("20")
        .arg(program())
        .arg("--virtual-token")
        .env("DBUS_SESSION_BUS_ADDRESS", daemon.bus.address())
        .env("HOME", daemon.home.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&second.stderr);
    assert_eq!(second.status.code(), Some(1), "{said}");
    // A warning about a file that this user can read may come first.
    assert_eq!(
        said.lines().last(),
        Some(
            "oathbridged: another daemon is already running; stop it with `systemctl --user stop oathbridge`."
        )
    );
    assert_eq!(daemon.find().await.len(), 6);
}

#[test]
fn the_documented_errors_are_those_of_the_source() {
    let files = fs::read_dir(root().join("src/dbus/error")).unwrap();
    let source: String = files.map(|file| fs::read_to_string(file.unwrap().path()).unwrap()).collect();
    let table: BTreeSet<_> = source.split('"').filter(|piece| is_error_name(piece)).collect();
    assert!(table.contains("Internal") && table.contains("Cognito.Rejected"), "{table:?}");
    let document = document();
    let documented: BTreeSet<_> = items(&document, "## Errors")
        .into_iter()
        .map(|(name, _)| name)
        .filter(|name| is_error_name(name))
        .collect();
    assert_eq!(documented, table, "documented on the left, src/dbus/error on the right");
}

#[tokio::test]
async fn the_documented_options_are_those_of_the_daemon() {
    let daemon = Daemon::start().await;
    let credential = daemon.find().await.swap_remove(0);
    let bogus = HashMap::from([("no-such-option", OwnedVariant::from(true))]);
    let calculate = daemon.proxy(credential.as_str(), "Credential").await;
    let calculate = calculate.call::<_, _, ()>("Calculate", &(&bogus)).await.unwrap_err();
    let verify = daemon.proxy(ROOT, "Cognito").await;
    let verify = verify.call::<_, _, ()>("VerifySoftwareToken", &(&credential, &bogus)).await.unwrap_err();
    let respond = daemon.proxy(ROOT, "Cognito").await;
    let challenge = HashMap::from([
        ("no-such-option", OwnedVariant::from(true)),
        ("challenge-name", zbus::Str::from("SOFTWARE_TOKEN_MFA").into()),
        ("session", zbus::Str::from("s").into()),
    ]);
    let respond =
        respond.call::<_, _, ()>("RespondToMfaChallenge", &(&credential, &challenge)).await.unwrap_err();
    for (heading, error) in [
        ("### Calculate", calculate),
        ("### VerifySoftwareToken", verify),
        ("### RespondToMfaChallenge", respond),
    ] {
        let error = error.to_string();
        let (_, taken) = error.split_once("There is no option \"no-such-option\"; this call takes ").unwrap();
        let taken: BTreeSet<_> = taken.trim_end_matches('.').split(", ").collect();
        let document = document();
        let common = options(&document, "### Every call that may wait");
        let documented: BTreeSet<_> = options(&document, heading).into_iter().chain(common).collect();
        assert_eq!(
            documented, taken,
            "{heading}: documented on the left, accepted by the daemon on the right"
        );
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn document() -> String {
    fs::read_to_string(root().join("docs/dbus-api.md")).unwrap()
}

/// The options below a heading: list items with a type in parentheses after the name.
fn options<'a>(document: &'a str, heading: &str) -> Vec<&'a str> {
    let items = items(document, heading).into_iter();
    items.filter(|(_, rest)| rest.starts_with(" (")).map(|(name, _)| name).collect()
}

/// The list items below a heading that begin with a name in code font: the name, and the rest of the line.
fn items<'a>(document: &'a str, heading: &str) -> Vec<(&'a str, &'a str)> {
    let level = heading.split(' ').next().unwrap().len();
    let is_end = |line: &&str| {
        let depth = line.len() - line.trim_start_matches('#').len();
        (1..=level).contains(&depth)
    };
    let section =
        document.lines().skip_while(|line| *line != heading).skip(1).take_while(|line| !is_end(line));
    section.filter_map(|line| line.strip_prefix("* `")?.split_once('`')).collect()
}

/// `Name` or `Group.Name`.
fn is_error_name(text: &str) -> bool {
    text.split('.').count() <= 2
        && text.split('.').all(|part| {
            part.starts_with(|letter: char| letter.is_ascii_uppercase())
                && part.bytes().all(|byte| byte.is_ascii_alphabetic())
        })
}
