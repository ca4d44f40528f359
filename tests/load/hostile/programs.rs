//! Four programs attack at once, with descriptors of every kind. A fifth one is answered all the time.

use std::fs;
use std::process::{Command, Output, Stdio};

use testkit::client::{Client, Extra, Options};
use testkit::resources::Resources;
use testkit::scenario::{Scenario, World};
use tokio::task::JoinSet;

use super::{CONFIG, DAEMON, Outcomes, TEST_TIMEOUT, TOKEN, attack, serves, settled};
use oathbridge::dbus::names::ROOT;

const PROGRAMS: u64 = 4;
/// The connections of each program, in turn and at once.
const ROUNDS: u64 = 2;
const TOGETHER: u64 = 2;
/// The calls of each connection.
const CALLS: usize = 750;

/// The highest peak of resident memory, in KiB.
const MAX_PEAK: usize = 32 * 1024;

const ADDRESS: &str = "OATHBRIDGE_ATTACKED";
const SEED: &str = "OATHBRIDGE_SEED";

/// Limits that leave room for a fifth program while four use up theirs.
const LIMITS: [(&str, &str); 3] = [
    ("calls_per_client = 1024", "calls_per_client = 32"),
    ("calls_per_program = 1024", "calls_per_program = 128"),
    ("queries_per_client = 1024", "queries_per_client = 128"),
];

#[tokio::test]
#[ignore = "run by four_programs_at_once_stop_nobody, which copies this program"]
async fn attacker() {
    let address = std::env::var(ADDRESS).expect("the address of the bus");
    let seed: u64 = std::env::var(SEED).unwrap().parse().unwrap();
    for round in 0..ROUNDS {
        let mut connections = JoinSet::new();
        for number in 0..TOGETHER {
            connections.spawn(attack(address.clone(), seed + round * TOGETHER + number, CALLS));
        }
        connections.join_all().await;
    }
}

/// Starts a copy of this program with a name of its own, which is another program for the daemon.
fn start(number: u64, address: &str, seed: u64) -> std::io::Result<Output> {
    let copy = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join(format!("attacker-{}-{number}", std::process::id()));
    let own = std::env::current_exe()?;
    if fs::hard_link(&own, &copy).is_err() {
        fs::copy(&own, &copy)?;
    }
    let mut attacker = Command::new(&copy);
    attacker.args(["hostile::programs::attacker", "--exact", "--ignored"]).stdin(Stdio::null());
    let output = attacker.env(ADDRESS, address).env(SEED, seed.to_string()).output();
    fs::remove_file(&copy)?;
    output
}

#[tokio::test]
async fn four_programs_at_once_stop_nobody() {
    let seed = u64::from(std::process::id()) << 32;
    println!("seed {seed}");
    tokio::time::timeout(TEST_TIMEOUT, assault(seed)).await.expect("in good time");
}

async fn assault(seed: u64) {
    let config = LIMITS.iter().fold(CONFIG.to_owned(), |config, (high, low)| config.replace(high, low));
    let world = Scenario::program(DAEMON).virtual_tokens(TOKEN).config(&config).start().await.unwrap();
    let World { client, stage, daemon, .. } = world;
    let mut daemon = daemon.unwrap();
    let alice = client.credential("alice").await.unwrap();
    assert!(serves(&client, &alice).await);
    let before = Resources::of(daemon.id()).unwrap();
    let mut attackers = JoinSet::new();
    for number in 0..PROGRAMS {
        let address = stage.address().to_owned();
        attackers.spawn_blocking(move || start(number, &address, seed + number * 1_000));
    }
    let (attackers, outcomes) = watched(attackers, &client, &alice).await;
    println!("{outcomes:?}");
    for output in attackers {
        assert!(output.status.success(), "seed {seed}: {}", String::from_utf8_lossy(&output.stdout));
    }
    assert!(serves(&client, &alice).await, "seed {seed}: {}", stage.log().unwrap());
    assert!(!daemon.has_ended().unwrap(), "seed {seed}");
    let after = settled(daemon.id(), before).await;
    println!("before {before:?}; after {after:?}");
    assert!(after.peak < MAX_PEAK, "seed {seed}: {after:?}");
    assert!(
        after.descriptors <= before.descriptors && after.threads <= before.threads,
        "seed {seed}: {before:?} {after:?}"
    );
}

/// Calls as a well-behaved program until all attackers have ended, and counts the outcomes. Other programs may keep the token
/// busy, lock it and reload, but every call is answered.
async fn watched(
    mut attackers: JoinSet<std::io::Result<Output>>,
    client: &Client,
    alice: &str,
) -> (Vec<Output>, Outcomes) {
    let (mut ended, mut outcomes) = (Vec::new(), Outcomes::new());
    while !attackers.is_empty() {
        client.call::<_, Extra>(ROOT, "Manager", "GetCallerInfo", &()).await.unwrap();
        client.problems().await.unwrap();
        *outcomes.entry("told".to_owned()).or_default() += 1;
        let outcome = match client.calculate(alice, Options::new()).await {
            Ok(_) => "served".to_owned(),
            Err(refusal) => refusal.name,
        };
        assert!(["served", "TokenBusy", "Cancelled", "Timeout"].contains(&outcome.as_str()), "{outcome}");
        *outcomes.entry(outcome).or_default() += 1;
        while let Some(output) = attackers.try_join_next() {
            ended.push(output.unwrap().unwrap());
        }
    }
    (ended, outcomes)
}
