//! A whole hostile token: its card, the worker (`src/token/`) and the registry (`src/registry/`).

use std::fs;
use std::path::PathBuf;
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use oathbridge::oath::{CodeRequest, Kind, When};
use oathbridge::registry::{Attached, Registry, Snapshot};
use oathbridge::secret::SecretText;
use oathbridge::token::{Identities, Secret, Unlock};

use super::super::fuzz_clock::FuzzClock;
use super::token_transport::OneCard;
use super::ykoath_card::ScriptedCard;

/// The most commands of one request: a session, which may be repeated after a reset.
const MAX_COMMANDS: usize = 100_000;

/// The most credentials, and the longest texts and file.
const MAX_CREDENTIALS: usize = 1_024;
const MAX_ID: usize = 64;
const MAX_TEXT: usize = 1_024;
const MAX_FILE: u64 = 1 << 20;

/// The credentials whose codes a run calculates.
const CALCULATED: usize = 2;

/// The number of runs between two reports, after the first ones.
const REPORTED: u64 = 100_000;

/// The file of known tokens is removed after so many runs, because each run reads it several times. In the first runs
/// of a process, and again from time to time, it grows.
const FEW_TOKENS: u64 = 64;
const MANY_TOKENS: u64 = 4_096;
const GROWS_AGAIN: u64 = 1 << 20;

/// The threads of a run end within this time, on any machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Whether the token was read and each listed credential gave a code.
pub fn run(bytes: &[u8]) -> bool {
    let card = Arc::new(Mutex::new(ScriptedCard::new(bytes)));
    let (transport, ended) = OneCard::new(&card);
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().build() else { return false };
    let well_behaved = runtime.block_on(one_insertion(transport));
    drop(runtime);
    // The threads of the monitor and of the worker have the transport, and nothing else.
    let is_gone = ended.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Disconnected);
    assert!(is_gone, "a thread does not end");
    let commands = card.lock().unwrap_or_else(PoisonError::into_inner).commands;
    assert!(commands <= MAX_COMMANDS, "{commands} commands");
    count(commands);
    well_behaved
}

/// Prints from time to time how many commands the tokens of this process were sent.
fn count(commands: usize) {
    static RUNS: AtomicU64 = AtomicU64::new(0);
    static COMMANDS: AtomicU64 = AtomicU64::new(0);
    let more = u64::try_from(commands).unwrap_or(u64::MAX);
    let sum = COMMANDS.fetch_add(more, Ordering::Relaxed) + more;
    let runs = RUNS.fetch_add(1, Ordering::Relaxed) + 1;
    if runs.is_power_of_two() || runs.is_multiple_of(REPORTED) {
        eprintln!("{sum} commands in {runs} runs");
    }
    if runs.is_multiple_of(FEW_TOKENS) && runs % GROWS_AGAIN >= MANY_TOKENS {
        // There is none if no token was read.
        let _ = fs::remove_file(file());
    }
}

async fn one_insertion(transport: Arc<OneCard>) -> bool {
    let identities = Identities::new(folder());
    let clock = Arc::new(FuzzClock::default());
    let (registry, watch) = Registry::new(vec![Arc::clone(&transport) as _], clock, identities);
    let Ok(tasks) = watch.start() else { return false };
    let tasks: Vec<_> = tasks.into_iter().map(|task| tokio::spawn(task.into_work())).collect();
    let mut snapshot = registry.settled().await;
    check(&snapshot);
    if let Some(attached) = snapshot.tokens.values().next().filter(|attached| attached.is_locked()) {
        // The password is wrong for every script.
        let unlock = Unlock {
            secret: Secret::Text(SecretText::from("password")),
            since: attached.token.wipe_counts(),
            may_require_touch: true,
            allow_last_attempts: false,
        };
        let _ = attached.token.unlock(unlock, Default::default()).await;
        snapshot = registry.caught_up().await;
        check(&snapshot);
    }
    let codes = codes(&registry, &snapshot).await;
    check(&*registry.caught_up().await);
    oathbridge::device::Transport::stop(&*transport);
    for task in tasks {
        task.abort();
    }
    codes
}

/// Calculates codes; whether there was one for each.
async fn codes(registry: &Registry, snapshot: &Snapshot) -> bool {
    let Some(attached) = snapshot.tokens.values().next() else { return false };
    let mut all = !attached.credentials.is_empty();
    for credential in attached.credentials.values().take(CALCULATED) {
        let when = if credential.kind == Kind::Hotp { When::Counter } else { When::Now };
        let request = CodeRequest { credential: credential.clone(), when, with_next: false, set_time: false };
        let calculated = attached.token.calculate(request, Default::default()).await;
        all &= calculated.is_ok();
        check(&*registry.caught_up().await);
    }
    all
}

fn check(snapshot: &Snapshot) {
    assert!(snapshot.tokens.len() <= 1, "one card is {} tokens", snapshot.tokens.len());
    snapshot.tokens.values().for_each(|attached| check_token(attached));
    let length = file().metadata().map_or(0, |facts| facts.len());
    assert!(length <= MAX_FILE, "tokens.json has {length} bytes");
}

fn check_token(attached: &Attached) {
    let info = &attached.info;
    assert!((1..=MAX_ID).contains(&info.id.as_str().len()), "an id of {} bytes", info.id.as_str().len());
    for text in [&info.serial, &info.firmware, &info.model, &info.vendor] {
        assert!(text.len() <= MAX_ID && !text.contains(char::is_control), "{text:?}");
    }
    assert!(attached.credentials.len() <= MAX_CREDENTIALS, "{} credentials", attached.credentials.len());
    for (id, credential) in &attached.credentials {
        assert!(id.to_string().len() <= 2 * MAX_ID, "a long path");
        for text in [&credential.name.issuer, &credential.name.account] {
            assert!(text.len() <= MAX_TEXT && !text.contains(char::is_control), "{text:?}");
        }
    }
}

fn file() -> PathBuf {
    folder().join("tokens.json")
}

fn folder() -> PathBuf {
    FOLDER.with(|folder| folder.0.clone())
}

thread_local! {
    static FOLDER: Folder = Folder::new();
}

/// The folder of the known tokens, one for each thread that runs: in memory, where there is such a place.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let memory = PathBuf::from("/dev/shm");
        let place = if memory.is_dir() { memory } else { std::env::temp_dir() };
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        Self(place.join(format!("oathbridge-fuzz-{}-{number}", process::id())))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // There is none if no token was read.
        let _ = fs::remove_dir_all(&self.0);
    }
}
