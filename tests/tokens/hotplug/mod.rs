//! Insertion and removal of tokens behind a real pcscd, as seen by D-Bus clients.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]

mod faults;
mod swapped;

use std::collections::BTreeSet;
use std::process::Command;

use oathbridge::dbus::names::{self, ROOT};
use sha2::{Digest, Sha256};
use testkit::client::{Client, Event, Options, Signals};
use testkit::scenario::{Scenario, World};

const TOKEN: &str = "[[token]]
serial = 31415926
credential = [
    { issuer = 'AWS Cognito', account = 'alice', seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' },
    { account = 'carol', seed = 'GEZDGNBV', algorithm = 'SHA256', digits = 8, period = 60 },
    { issuer = 'VPN', account = 'dave', seed = 'GEZDGNBV', type = 'hotp' },
]
";

const OTHER: &str = "[[token]]
serial = 27182818
credential = [{ account = 'erin', seed = 'MFRGGZDFMZTWQ2LK' }]
";

/// The names of the credentials of the first token.
const NAMES: [&str; 3] = ["AWS Cognito:alice", "60/carol", "VPN:dave"];

async fn inserted(tokens: &str) -> World {
    Scenario::inside().cards(tokens).start().await.unwrap()
}

/// The objects of a token: its path, and those of the credentials with these names.
fn objects(token: &str, names: &[&str]) -> BTreeSet<String> {
    let id = token.strip_prefix(&format!("{ROOT}/tokens/")).unwrap();
    let credential = |name: &&str| {
        let hash = Sha256::digest(name.as_bytes());
        let short: String = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        format!("{ROOT}/credentials/{id}_{short}")
    };
    names.iter().map(credential).chain([token.to_owned()]).collect()
}

/// The tokens and credentials in the output of the real `busctl tree`.
fn busctl_tree(world: &World) -> BTreeSet<String> {
    let tree = busctl(world, &["--list", "tree", names::BUS]);
    let is_ours = |line: &&str| line.contains("/tokens/") || line.contains("/credentials/");
    tree.lines().map(str::trim).filter(is_ours).map(str::to_owned).collect()
}

fn busctl(world: &World, arguments: &[&str]) -> String {
    let address = format!("--address={}", world.stage.address());
    let output = Command::new("busctl").arg(address).args(arguments).output().unwrap();
    assert!(output.status.success(), "busctl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

async fn tree(client: &Client) -> BTreeSet<String> {
    let objects = client.objects().await.unwrap();
    objects.into_keys().filter(|path| path.contains("/tokens/") || path.contains("/credentials/")).collect()
}

fn is_state(event: &Event, state: &str) -> bool {
    event.value::<String>("State").as_deref() == Some(state)
}

async fn until_state(signals: &mut Signals, state: &str) -> Vec<Event> {
    signals.until(|event| is_state(event, state)).await.unwrap()
}

/// All events until this number of objects was removed.
async fn until_gone(signals: &mut Signals, count: usize) -> Vec<String> {
    let mut gone = Vec::new();
    while gone.len() < count {
        if let event @ Event::Removed { .. } = signals.next().await.unwrap() {
            gone.push(event.place().to_owned());
        }
    }
    gone
}

/// Waits until `Problems` contains this word, or does not.
async fn until_problem(client: &Client, signals: &mut Signals, word: &str, present: bool) {
    let has = |problems: Vec<String>| problems.iter().any(|problem| problem == word);
    while has(client.problems().await.unwrap()) != present {
        signals.until(|event| event.value::<Vec<String>>("Problems").is_some()).await.unwrap();
    }
}

#[testkit::test]
async fn ten_insertions_and_removals() {
    let mut world = Scenario::inside().cards(TOKEN).left_out().start().await.unwrap();
    let card = world.card().unwrap().clone();
    let mut signals = world.client.signals().await.unwrap();
    let mut first = None;
    for round in 0..10 {
        assert_eq!(busctl_tree(&world), BTreeSet::new(), "round {round}");
        world.pcscd().unwrap().insert(0, &card).unwrap();
        let events = until_state(&mut signals, "ready").await;
        let added: Vec<_> = events.iter().filter(|event| matches!(event, Event::Added { .. })).collect();
        let token = format!("{ROOT}/{}", added[0].place());
        let expected = objects(first.get_or_insert(token), &NAMES);
        let paths: BTreeSet<_> = added.iter().map(|event| format!("{ROOT}/{}", event.place())).collect();
        assert_eq!((&paths, added.len()), (&expected, 4), "each object is announced once: {events:?}");
        assert!(added[0].place().starts_with("tokens/"), "the token comes first: {events:?}");
        assert_eq!(busctl_tree(&world), expected, "round {round}");
        assert_eq!(tree(&world.client).await, expected, "round {round}");

        world.pcscd().unwrap().remove(0).unwrap();
        let gone = until_gone(&mut signals, 4).await;
        assert!(gone[..3].iter().all(|place| place.starts_with("credentials/")), "{gone:?}");
        assert!(gone[3].starts_with("tokens/"), "the token goes last: {gone:?}");
    }
    assert_eq!(tree(&world.client).await, BTreeSet::new());
    assert_eq!(card.hotp_counter("VPN:dave"), Some(0), "being seen costs no counter");
}

#[testkit::test]
async fn busctl_reads_a_token_and_its_code() {
    let world = inserted(TOKEN).await;
    let alice = world.client.credential("alice").await.unwrap();
    let interface = format!("{}.Credential", names::BUS);
    let property = |name| busctl(&world, &["get-property", names::BUS, &alice, &interface, name]);
    assert_eq!(property("Issuer"), "s \"AWS Cognito\"\n");
    assert_eq!(property("Digits"), "u 6\n");
    let token = property("Token");
    let token = token.split('"').nth(1).unwrap();
    let interface_of_token = format!("{}.Token", names::BUS);
    for (name, value) in [
        ("Serial", "s \"31415926\""),
        ("Model", "s \"YubiKey 5\""),
        ("Firmware", "s \"5.4.3\""),
        ("State", "s \"ready\""),
        ("StateReason", "s \"\""),
        ("Virtual", "b false"),
        ("Transports", "as 1 \"pcsc\""),
        ("AttemptsLeft", "i -1"),
    ] {
        let shown = busctl(&world, &["get-property", names::BUS, token, &interface_of_token, name]);
        assert_eq!(shown.trim_end(), value, "{name}");
    }
    let reply = busctl(&world, &["call", names::BUS, &alice, &interface, "Calculate", "a{sv}", "0"]);
    let words: Vec<_> = reply.split_whitespace().collect();
    let (from, until): (u64, u64) = (words[2].parse().unwrap(), words[3].parse().unwrap());
    assert_eq!((words[0], from % 30, until), ("stta{sv}", 0, from + 30), "{reply}");
    let code = words[1].trim_matches('"');
    assert!(code.len() == 6 && code.bytes().all(|digit| digit.is_ascii_digit()), "{reply}");
}

#[testkit::test]
async fn the_daemon_survives_stops_crashes_and_restarts_of_pcscd() {
    let mut world = inserted(TOKEN).await;
    world.client.credential("alice").await.unwrap();
    let expected = tree(&world.client).await;
    assert_eq!(expected.len(), 4);
    let mut signals = world.client.signals().await.unwrap();
    for kill in [false, true, false] {
        if kill {
            world.pcscd().unwrap().kill().unwrap()
        } else {
            world.pcscd().unwrap().stop().unwrap()
        }
        until_problem(&world.client, &mut signals, "pcscd-unavailable", true).await;
        assert_eq!(tree(&world.client).await, BTreeSet::new());
        signals.waiting();
        world.pcscd().unwrap().restart().unwrap();
        until_state(&mut signals, "ready").await;
        until_problem(&world.client, &mut signals, "pcscd-unavailable", false).await;
        assert_eq!(busctl_tree(&world), expected, "killed: {kill}");
        let alice = world.client.credential("alice").await.unwrap();
        world.client.calculate(&alice, Options::new()).await.unwrap();
    }
    assert!(!world.daemon.unwrap().has_ended().unwrap(), "the daemon did not restart");
}

#[testkit::test]
async fn without_pcscd_there_is_a_problem_and_the_daemon_is_settled() {
    let mut world = inserted(TOKEN).await;
    world.end_daemon().await.unwrap();
    world.pcscd().unwrap().stop().unwrap();
    let mut signals = world.client.signals().await.unwrap();
    world.start_daemon().await.unwrap();
    until_problem(&world.client, &mut signals, "pcscd-unavailable", true).await;
    assert!(world.client.property::<bool>(ROOT, "Manager", "Settled").await.unwrap());
    signals.waiting();
    world.pcscd().unwrap().restart().unwrap();
    // The daemon is not settled while it reads the token, and settled afterwards.
    let events = until_state(&mut signals, "ready").await;
    let unsettled = events.iter().position(|event| event.value("Settled") == Some(false));
    let ready = events.iter().position(|event| is_state(event, "ready"));
    assert!(unsettled.is_some() && unsettled < ready, "{events:?}");
    if !events.iter().any(|event| event.value("Settled") == Some(true)) {
        signals.until(|event| event.value("Settled") == Some(true)).await.unwrap();
    }
    assert_eq!(tree(&world.client).await.len(), 4);
}
