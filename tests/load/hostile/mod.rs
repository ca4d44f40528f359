//! Clients that read the introspection data and call random methods with random arguments. The daemon must stay small and
//! in service.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]

mod calls;
mod departures;
mod descriptors;
mod dice;
mod hanging_file;
mod members;
mod programs;
mod tokens;

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt;
use testkit::client::{Client, Options};
use testkit::resources::Resources;
use testkit::scenario::{Scenario, World};
use tokio::task::JoinHandle;
use zbus::message::Type;
use zbus::{MessageStream, connection};

use dice::Dice;

const DAEMON: &str = env!("CARGO_BIN_EXE_oathbridged");
const CALLS: usize = 100_000;
/// The number of calls after which a client disconnects, with calls still running.
const CALLS_PER_CLIENT: usize = 2_500;
/// The number of simultaneous clients.
const ATTACKERS: usize = 4;
/// The number of simultaneous calls of a client.
const SIMULTANEOUS_CALLS: usize = 32;

/// The timeout for the whole test, which only a hang reaches.
const TEST_TIMEOUT: Duration = Duration::from_secs(900);

/// The credentials keep their names, because this firmware has no command to rename them.
const TOKEN: &str = "[[token]]
serial = 31415926
firmware = '5.2.7'
touch = { after-seconds = 0.01 }
credential = [
    { issuer = 'AWS', account = 'alice', seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' },
    { issuer = 'AWS', account = 'bob', seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ', touch = true },
    { issuer = 'VPN', account = 'dave', seed = 'GEZDGNBV', type = 'hotp' },
]
";

/// Limits so high that the calls pass the inbound filter.
const CONFIG: &str = "[pcsc]
enabled = false
[limits]
calls_per_client = 1024
calls_per_program = 1024
calls = 1024
queries_per_client = 1024
queries = 1024
queries_per_second = 1000000
all_queries_per_second = 1000000
codes_per_minute = 1000000
submissions_per_minute = 1000000
unlocks_per_minute = 1000000
[profiles.work]
region = 'eu-central-1'
endpoint_url = 'http://127.0.0.1:1'
issuer = 'AWS'
account = 'alice'
client_id = 'c'
";

/// The number of outcomes, by the last part of the error's name.
type Outcomes = BTreeMap<String, usize>;

/// One client: makes this many calls, and disconnects without waiting for the running ones.
async fn attack(address: String, seed: u64, calls: usize) -> Outcomes {
    let mut dice = Dice(seed);
    let connection = connection::Builder::address(address.as_str()).build().await.unwrap();
    let targets = calls::surface(&connection).await;
    let mut messages = MessageStream::from(&connection);
    let (mut outcomes, mut under_way) = (Outcomes::new(), 0);
    for _ in 0..calls {
        // Messages that the library refuses to build or send do not count as calls.
        let Some(call) = calls::random(&mut dice, &targets) else { continue };
        connection.send(&call).await.unwrap();
        under_way += 1;
        while under_way >= SIMULTANEOUS_CALLS {
            // Some calls wait for ever and some need no reply, so more calls are started.
            let next = tokio::time::timeout(Duration::from_millis(20), messages.next());
            match next.await {
                Ok(message) => under_way -= usize::from(count(&message.unwrap().unwrap(), &mut outcomes)),
                Err(_) => under_way /= 2,
            }
        }
    }
    connection.close().await.unwrap();
    outcomes
}

/// The outcome in a reply: "served", or the last part of the error's name.
fn outcome(message: &zbus::Message) -> Option<String> {
    match message.message_type() {
        Type::MethodReturn => Some("served".to_owned()),
        Type::Error => message.header().error_name()?.rsplit('.').next().map(str::to_owned),
        _ => None,
    }
}

fn count(message: &zbus::Message, outcomes: &mut Outcomes) -> bool {
    let Some(outcome) = outcome(message) else { return false };
    *outcomes.entry(outcome).or_default() += 1;
    true
}

/// All clients, a few at a time.
async fn attacks(address: &str, seed: u64, count: usize) -> Outcomes {
    let lines = (0..ATTACKERS).map(|line| {
        let address = address.to_owned();
        let line: JoinHandle<Outcomes> = tokio::spawn(async move {
            let mut outcomes = Outcomes::new();
            for number in (line..count).step_by(ATTACKERS) {
                for (name, more) in attack(address.clone(), seed + number as u64, CALLS_PER_CLIENT).await {
                    *outcomes.entry(name).or_default() += more;
                }
            }
            outcomes
        });
        line
    });
    let mut outcomes = Outcomes::new();
    for line in futures_util::future::join_all(lines).await {
        for (name, more) in line.unwrap() {
            *outcomes.entry(name).or_default() += more;
        }
    }
    outcomes
}

async fn serves(client: &Client, credential: &str) -> bool {
    client.calculate(credential, Options::new()).await.is_ok()
}

#[tokio::test]
async fn a_hundred_thousand_random_calls() {
    let seed = std::env::var("OATHBRIDGE_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| u64::from(std::process::id()) << 32);
    println!("OATHBRIDGE_SEED={seed}");
    tokio::time::timeout(TEST_TIMEOUT, assault(seed)).await.expect("in good time");
}

async fn assault(seed: u64) {
    let world = Scenario::program(DAEMON).virtual_tokens(TOKEN).config(CONFIG).start().await.unwrap();
    let World { client, stage, daemon, .. } = world;
    let mut daemon = daemon.unwrap();
    let alice = client.credential("alice").await.unwrap();
    assert!(serves(&client, &alice).await);
    let before = Resources::of(daemon.id()).unwrap();
    let outcomes = attacks(stage.address(), seed, CALLS / CALLS_PER_CLIENT).await;
    println!("{outcomes:?}");
    assert!(serves(&client, &alice).await, "seed {seed}: {}", stage.log().unwrap());
    assert!(!daemon.has_ended().unwrap(), "seed {seed}");
    let after = settled(daemon.id(), before).await;
    println!("before {before:?}; after {after:?}");
    assert!(after.memory < before.memory + 10 * 1024, "seed {seed}: {before:?} {after:?}");
    assert!(
        after.descriptors <= before.descriptors && after.threads <= before.threads,
        "seed {seed}: {before:?} {after:?}"
    );
    assert_deep(&outcomes);
}

/// The resources when no more descriptors and threads are left than before, or after half a minute.
async fn settled(daemon: u32, before: Resources) -> Resources {
    let mut after = Resources::of(daemon).unwrap();
    // Threads that read descriptors end after ten seconds, and waits for a touch after fifteen.
    for _ in 0..300 {
        if after.descriptors <= before.descriptors && after.threads <= before.threads {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        after = Resources::of(daemon).unwrap();
    }
    after
}

/// Checks that most calls reached the daemon's own code, and were not refused for their number, name or signature.
fn assert_deep(outcomes: &Outcomes) {
    let shallow = ["Busy", "RateLimited", "UnknownMethod", "UnknownObject", "UnknownInterface"];
    let is_shallow = |name: &str| shallow.contains(&name);
    let deep: usize = outcomes.iter().filter(|(name, _)| !is_shallow(name)).map(|(_, count)| count).sum();
    let all: usize = outcomes.values().sum();
    assert!(deep > all / 2, "{deep}: {outcomes:?}");
    for wanted in ["served", "InvalidArgs", "AccessDenied", "ConfirmationRequired", "TokenRemoved", "Network"]
    {
        assert!(outcomes.contains_key(wanted), "{wanted}: {outcomes:?}");
    }
}
