//! The events that an administrator filters by: each has its id in the journal, whose socket is that of the test here.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that panics has failed")]

mod secrets;

use std::collections::BTreeMap;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use oathbridge::dbus::names::ROOT;
use oathbridge::logging::{self, Level, events};
use testkit::client::{Options, Refusal};
use testkit::fake_cognito::{Fault, Plan, Ready};
use testkit::patience::run_within;
use testkit::scenario::{Scenario, World};
use testkit::tested;

const SEED: [u8; 20] = *b"12345678901234567890";

const TOKEN: &str = "[[token]]
serial = 31415926
credential = [
    { account = 'alice', seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' },
    { account = 'bob', seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' },
]
";

const CONFIG: &str = "[pcsc]
enabled = false
[cognito]
max_attempts = 1
min_seconds_left = 0
[profiles.fake]
region = 'eu-central-1'
endpoint_url = 'COGNITO_URL'
";

const DENIED: &str = "[pcsc]\nenabled = false\n[access]\nprograms = 'deny'\n";

/// Only a tool that hangs gets here.
const TOOL_TIMEOUT: Duration = Duration::from_secs(180);

/// The journal, as the daemon sees it.
struct Journal(UnixDatagram);

/// The event, the priority and the text of an entry.
type Entry = (&'static str, String, String);

impl Journal {
    /// Begins to log, before the daemon does it, which has no effect then.
    fn start(level: Level, folder: &Path) -> Self {
        let socket = folder.join("socket");
        let journal = Self(UnixDatagram::bind(&socket).unwrap());
        journal.0.set_nonblocking(true).unwrap();
        logging::start_in_journal(level, socket);
        journal
    }

    /// The fields of each entry since the last call.
    fn received(&self) -> Vec<BTreeMap<String, String>> {
        let mut buffer = vec![0; 1 << 16];
        std::iter::from_fn(|| {
            let length = self.0.recv(&mut buffer).ok()?;
            Some(fields(buffer.get(..length)?))
        })
        .collect()
    }

    /// The entries since the last call, by the name of their event.
    fn entries(&self) -> Vec<Entry> {
        let mut entries: Vec<_> = self.received().iter().map(entry).collect();
        entries.sort();
        entries
    }

    /// Checks the entries since the last call: event, priority, and a part of the text.
    fn has(&self, expected: &[(&str, &str, &str)]) {
        let entries = self.entries();
        let found: Vec<_> = entries.iter().map(|(event, priority, _)| (*event, priority.as_str())).collect();
        let wanted: Vec<_> = expected.iter().map(|(event, priority, _)| (*event, *priority)).collect();
        assert_eq!(found, wanted, "{entries:?}");
        for ((_, _, text), (_, _, part)) in entries.iter().zip(expected) {
            assert!(text.contains(part), "{entries:?}");
        }
    }
}

/// The fields of a datagram, each in the form with a length.
fn fields(mut datagram: &[u8]) -> BTreeMap<String, String> {
    let mut fields = BTreeMap::new();
    while !datagram.is_empty() {
        let name = datagram.split(|byte| *byte == b'\n').next().unwrap();
        let (length, rest) = datagram.get(name.len() + 1..).unwrap().split_first_chunk().unwrap();
        let (value, rest) = rest.split_at(usize::try_from(u64::from_le_bytes(*length)).unwrap());
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_owned()).unwrap();
        assert_eq!(fields.insert(text(name), text(value)), None);
        datagram = rest.strip_prefix(b"\n").unwrap();
    }
    fields
}

fn entry(fields: &BTreeMap<String, String>) -> Entry {
    assert_eq!(fields.get("SYSLOG_IDENTIFIER").map(String::as_str), Some("oathbridged"));
    let field = |name: &str| fields.get(name).cloned().unwrap();
    let event = events::IDS.iter().find(|(_, id)| *id == field("MESSAGE_ID")).unwrap().0;
    (event, field("PRIORITY"), field("MESSAGE"))
}

/// Runs the tool beside the daemon, and returns its output.
async fn tool(world: &World, arguments: &'static [&str]) -> String {
    let mut command = Command::new(tested::program(env!("CARGO_BIN_EXE_oathbridgectl")).unwrap());
    command.args(arguments).env("DBUS_SESSION_BUS_ADDRESS", world.stage.address());
    let run = tokio::task::spawn_blocking(move || run_within(&mut command, TOOL_TIMEOUT));
    String::from_utf8(run.await.unwrap().unwrap().stdout).unwrap()
}

async fn verify(world: &World, user: &Ready, account: &str) -> Result<(), Refusal> {
    let path = world.client.credential(account).await?;
    let options: Options<'_> = [
        ("access-token", user.access_token.as_str().into()),
        ("profile", "fake".into()),
        ("timeout", 9_u32.into()),
    ]
    .into();
    world.client.verify(&path, options).await.map(drop)
}

async fn reload(world: &World, config: &str) -> Result<(), Refusal> {
    world.stage.configure(config).unwrap();
    world.client.call(ROOT, "Manager", "Reload", &()).await
}

#[testkit::test]
async fn the_events_have_their_ids() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::start(Level::default(), folder.path());
    let world = Scenario::inside().virtual_tokens(TOKEN).config(CONFIG).start().await.unwrap();
    let user = world.cognito.ready_user("alice", &SEED).unwrap();
    journal.has(&[]);
    assert!(world.stage.log().unwrap().contains("<5> INFO oathbridge::daemon: serving "));

    world.cognito.plan(Plan { date_skew: 95, ..Plan::default() });
    verify(&world, &user, "alice").await.unwrap();
    journal.has(&[
        (events::CLOCK_WRONG, "4", "Cognito's clock minus this computer's is 9"),
        (events::PROBLEM_BEGUN, "4", "the problem clock-skew has begun"),
        (events::SUBMISSION_DONE, "5", "VerifySoftwareToken"),
    ]);
    // The clock is still wrong, which is no new event.
    world.clock().unwrap().advance(Duration::from_secs(30));
    world.cognito.plan(Plan { date_skew: 95, ..Plan::default() });
    verify(&world, &user, "alice").await.unwrap();
    journal.has(&[(events::SUBMISSION_DONE, "5", "VerifySoftwareToken")]);
    world.clock().unwrap().advance(Duration::from_secs(30));
    world.cognito.fail(Fault::exception("TooManyRequestsException", ""));
    verify(&world, &user, "bob").await.unwrap_err();
    journal.has(&[
        (events::PROBLEM_OVER, "5", "the problem clock-skew is over"),
        (events::SUBMISSION_FAILED, "5", "Throttled"),
    ]);
    reload(&world, "nonsense = 1\n").await.unwrap_err();
    journal.has(&[
        (events::CONFIG_REFUSED, "3", "line 1: the key \"nonsense\""),
        (events::PROBLEM_BEGUN, "4", "the problem config-invalid has begun"),
    ]);
    reload(&world, DENIED).await.unwrap();
    journal.has(&[(events::PROBLEM_OVER, "5", "the problem config-invalid is over")]);
    let alice = world.client.credential("alice").await.unwrap();
    world.client.calculate(&alice, Options::new()).await.unwrap_err();
    journal.has(&[(events::CALL_DENIED, "5", "AccessDenied")]);
}

/// The policy refuses each of them for the same reason, so the tool asks for one code only.
#[testkit::test]
async fn a_list_of_codes_that_the_policy_refuses_is_one_denial() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::start(Level::default(), folder.path());
    let world = Scenario::inside().virtual_tokens(TOKEN).config(CONFIG).start().await.unwrap();
    world.restrict("[access]\nrequire_touch = true\n").await.unwrap();
    journal.has(&[]);
    let out = tool(&world, &["code", "--json"]).await;
    journal.has(&[(events::CALL_DENIED, "5", "AccessDenied")]);
    for part in ["\"name\": \"alice\"", "\"name\": \"bob\""] {
        assert!(out.contains(part), "{part}: {out}");
    }
    assert_eq!(out.matches("With require_touch in ").count(), 2, "{out}");
    // Another list is another denial.
    tool(&world, &["code"]).await;
    journal.has(&[(events::CALL_DENIED, "5", "AccessDenied")]);
}
