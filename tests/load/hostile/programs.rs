//! Four programs attack at once, with descriptors of many kinds. A fifth program is answered all the time, although its
//! calls may be refused. `scripts/accept/hostile` also has hostile tokens plugged in and out.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use testkit::client::{Client, Extra, Options};
use testkit::resources::Resources;
use testkit::scenario::{Scenario, World};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::descriptors::HANGING;
use super::dice::Dice;
use super::hanging_file::HangingFile;
use super::tokens::{self, READERS};
use super::{CONFIG, DAEMON, Outcomes, TEST_TIMEOUT, TOKEN, attack, serves, settled};
use oathbridge::dbus::names::ROOT;

const PROGRAMS: u64 = 4;
/// The connections of each program, in turn and at once. `scripts/accept/hostile` has 17 rounds: 102,000 calls.
const ROUNDS: u64 = 2;
const TOGETHER: u64 = 2;
/// The calls of each connection.
const CALLS: usize = 750;

/// The longest time for two answers to the fifth program. Only a daemon that does not answer takes so long.
const MAX_TIME: Duration = Duration::from_secs(30);

/// The highest peak of resident memory, in KiB.
const MAX_PEAK: usize = 24 * 1024;

/// A variable of the unit: the threads share one arena of the allocator.
const ONE_ARENA: (&str, &str) = ("MALLOC_ARENA_MAX", "1");

/// The variable with another number of rounds.
const ROUNDS_VARIABLE: &str = "OATHBRIDGE_HOSTILE_ROUNDS";

const ADDRESS: &str = "OATHBRIDGE_ATTACKED";
const SEED: &str = "OATHBRIDGE_SEED";

/// Limits that leave room for a fifth program while four use up theirs.
const LIMITS: [(&str, &str); 3] = [
    ("calls_per_client = 1024", "calls_per_client = 32"),
    ("calls_per_program = 1024", "calls_per_program = 128"),
    ("queries_per_client = 1024", "queries_per_client = 128"),
];

#[tokio::test]
#[ignore = "run by the tests below, which copy this program"]
async fn attacker() {
    let address = std::env::var(ADDRESS).expect("the address of the bus");
    let seed: u64 = std::env::var(SEED).unwrap().parse().unwrap();
    let rounds = std::env::var(ROUNDS_VARIABLE).map_or(ROUNDS, |rounds| rounds.parse().unwrap());
    for round in 0..rounds {
        let mut connections = JoinSet::new();
        for number in 0..TOGETHER {
            connections.spawn(attack(address.clone(), seed + round * TOGETHER + number, CALLS));
        }
        connections.join_all().await;
    }
}

/// Starts a copy of this program with a name of its own, which is another program for the daemon.
fn start(number: u64, address: &str, hanging: Option<&Path>, seed: u64) -> std::io::Result<Output> {
    let copy =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("attacker-{}-{number}", std::process::id()));
    let own = std::env::current_exe()?;
    if fs::hard_link(&own, &copy).is_err() {
        fs::copy(&own, &copy)?;
    }
    let mut attacker = Command::new(&copy);
    attacker.args(["hostile::programs::attacker", "--exact", "--ignored"]).stdin(Stdio::null());
    if let Some(path) = hanging {
        attacker.env(HANGING, path);
    }
    let output = attacker.env(ADDRESS, address).env(SEED, seed.to_string()).output();
    fs::remove_file(&copy)?;
    output
}

#[tokio::test]
async fn four_programs_at_once_stop_nobody() {
    let world = Scenario::program(DAEMON).virtual_tokens(TOKEN).config(&config());
    let world = started(world).await;
    tokio::time::timeout(TEST_TIMEOUT, assault(world, false)).await.expect("in good time");
}

#[tokio::test]
#[ignore = "takes minutes; scripts/accept/hostile runs it"]
async fn four_programs_and_twenty_tokens_at_once_stop_nobody() {
    let config = config().replace("[pcsc]\nenabled = false\n", "");
    let world = Scenario::program(DAEMON).virtual_tokens(TOKEN).config(&config);
    let world = started(world.cards(&tokens::file()).readers(READERS)).await;
    tokio::time::timeout(TEST_TIMEOUT, assault(world, true)).await.expect("in good time");
}

fn seed() -> u64 {
    let seed = std::env::var(SEED).ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| u64::from(std::process::id()) << 32);
    println!("{SEED}={seed}");
    seed
}

async fn assault(mut world: World, has_hostile_tokens: bool) {
    let seed = seed();
    let (client, mut daemon) = (world.client.clone(), world.daemon.take().unwrap());
    let address = world.stage.address().to_owned();
    // On a busy computer the card is read later than a call waits for it.
    while client.find(&[]).await.unwrap().0.is_empty() {}
    let alice = client.credential("alice").await.unwrap();
    assert!(serves(&client, &alice).await);
    if has_hostile_tokens {
        tokens::warm_up(&mut world);
    }
    let before = Resources::of(daemon.id()).unwrap();
    let hanging = hanging_file(daemon.id());
    let mut attackers = JoinSet::new();
    for number in 0..PROGRAMS {
        let (address, hanging) = (address.clone(), hanging.as_ref().map(|file| file.path().to_owned()));
        attackers.spawn_blocking(move || start(number, &address, hanging.as_deref(), seed + number * 1_000));
    }
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let plugging = tokio::task::spawn_blocking(move || {
        let plug = || tokens::plug(&mut world, &mut Dice(seed), &stopped);
        let plugged = has_hostile_tokens.then(plug).unwrap_or_default();
        (world, plugged)
    });
    let (attackers, outcomes) = watched(attackers, &client, &alice).await;
    stop.store(true, Ordering::SeqCst);
    let (world, plugged) = plugging.await.unwrap();
    println!("{outcomes:?}, {plugged} tokens plugged in, {:?}", Resources::of(daemon.id()).unwrap());
    for output in attackers {
        assert!(output.status.success(), "seed {seed}: {}", String::from_utf8_lossy(&output.stdout));
    }
    assert!(serves(&client, &alice).await, "seed {seed}: {}", world.stage.log().unwrap());
    assert!(!daemon.has_ended().unwrap(), "seed {seed}");
    println!("{:?} closes have hung", hanging.map(|file| file.release()));
    let after = settled(daemon.id(), before).await;
    println!("before {before:?}; after {after:?}");
    assert!(after.peak < MAX_PEAK, "seed {seed}: {after:?}");
    assert!(
        after.descriptors <= before.descriptors && after.threads <= before.threads,
        "seed {seed}: {before:?} {after:?}"
    );
}

/// A file that hangs when the daemon closes it.
fn hanging_file(daemon: u32) -> Option<HangingFile> {
    let file = HangingFile::mount();
    if let Err(error) = &file {
        println!("not tested: files of a user-space file system, which cannot be mounted: {error}");
    }
    let file = file.ok()?;
    file.hang(daemon);
    Some(file)
}

fn config() -> String {
    LIMITS.iter().fold(CONFIG.to_owned(), |config, (high, low)| config.replace(high, low))
}

/// Starts the daemon with the allocator as it is shipped.
async fn started(scenario: Scenario) -> World {
    let mut world = scenario.prepare().await.unwrap();
    world.stage.set_variable(ONE_ARENA.0, ONE_ARENA.1);
    world.start_daemon().await.unwrap();
    world
}

/// Calls as a well-behaved program until all attackers have ended, and counts the outcomes. Other programs may keep the token
/// busy, lock it and reload, but every call is answered.
async fn watched(
    mut attackers: JoinSet<std::io::Result<Output>>,
    client: &Client,
    alice: &str,
) -> (Vec<Output>, Outcomes) {
    let (mut ended, mut outcomes) = (Vec::new(), Outcomes::new());
    let stop = CancellationToken::new();
    let telling = tokio::spawn(tell(client.clone(), stop.clone()));
    while !attackers.is_empty() {
        let begun = Instant::now();
        let outcome = match client.calculate(alice, Options::new()).await {
            Ok(_) => "served".to_owned(),
            Err(refusal) => refusal.name,
        };
        assert!(["served", "TokenBusy", "Cancelled", "Timeout"].contains(&outcome.as_str()), "{outcome}");
        println!("{outcome} after {:?}", begun.elapsed());
        *outcomes.entry(outcome).or_default() += 1;
        while let Some(output) = attackers.try_join_next() {
            ended.push(output.unwrap().unwrap());
        }
    }
    stop.cancel();
    let (told, slowest) = telling.await.unwrap();
    println!("{told} times GetCallerInfo and Get, the slowest in {slowest:?}");
    assert!(told > 0 && slowest < MAX_TIME, "{told}: {slowest:?}");
    (ended, outcomes)
}

/// Makes queries in turn, and returns their number and the time of the slowest one.
async fn tell(client: Client, stop: CancellationToken) -> (usize, Duration) {
    let (mut told, mut slowest) = (0, Duration::ZERO);
    while !stop.is_cancelled() {
        let begun = Instant::now();
        client.call::<_, Extra>(ROOT, "Manager", "GetCallerInfo", &()).await.unwrap();
        client.problems().await.unwrap();
        told += 1;
        slowest = slowest.max(begun.elapsed());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    (told, slowest)
}
