//! The file of the record: locked, read whole, replaced whole.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};

use super::records::Records;
use super::{Error, Unavailable};

const VERSION: u64 = 1;

/// Far above what 64 records for each of a thousand credentials need.
const LARGEST: u64 = 16 << 20;

/// Another daemon holds the lock for the time of one write; one that is stopped must not stop this one.
const LOCK_WAIT: Duration = Duration::from_secs(2);
const LOCK_PAUSE: Duration = Duration::from_millis(5);

/// What the file holds. No account names, no codes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct State {
    version: u64,
    /// The records of each seed, by a random id: the seed itself is never known here.
    pub(super) groups: BTreeMap<String, Records>,
    /// Which seed a credential has: several credentials may share one.
    pub(super) credentials: BTreeMap<String, String>,
}

impl State {
    fn empty() -> Self {
        Self { version: VERSION, groups: BTreeMap::new(), credentials: BTreeMap::new() }
    }

    pub(super) fn records(&self, credential: &str) -> Option<&Records> {
        self.groups.get(self.credentials.get(credential)?)
    }

    fn decode(bytes: &[u8]) -> Result<Self, Unavailable> {
        #[derive(Deserialize)]
        struct Version {
            version: u64,
        }
        let Version { version } = serde_json::from_slice(bytes).map_err(|_| Unavailable::Damaged)?;
        if version > VERSION {
            return Err(Unavailable::NewerVersion { version });
        }
        let state: Self = serde_json::from_slice(bytes).map_err(|_| Unavailable::Damaged)?;
        if state.is_sound() { Ok(state) } else { Err(Unavailable::Damaged) }
    }

    fn is_sound(&self) -> bool {
        self.version == VERSION
            && self.groups.values().all(Records::is_sound)
            && self.credentials.values().all(|group| self.groups.contains_key(group))
    }
}

/// Where the state is kept.
#[derive(Debug)]
pub(super) struct Store {
    directory: PathBuf,
}

impl Store {
    pub(super) fn new(directory: PathBuf) -> Self {
        Self { directory }
    }

    pub(super) fn file(&self) -> PathBuf {
        self.directory.join("guard.json")
    }

    /// The state as it is now. Needs no lock: the file is only ever replaced by a whole one.
    pub(super) fn read(&self) -> Result<State, Unavailable> {
        // Opening a pipe that somebody put there must not wait for its other end.
        let opened = OpenOptions::new().read(true).custom_flags(nonblocking()).open(self.file());
        let file = match opened {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(State::empty()),
            Err(error) => return Err(Unavailable::Unreadable(error.kind())),
        };
        let metadata = file.metadata().map_err(|error| Unavailable::Unreadable(error.kind()))?;
        if !metadata.is_file() || metadata.len() > LARGEST {
            return Err(Unavailable::Damaged);
        }
        let mut bytes = Vec::new();
        let read = file.take(LARGEST).read_to_end(&mut bytes);
        read.map_err(|error| Unavailable::Unreadable(error.kind()))?;
        State::decode(&bytes)
    }

    /// Changes the state while no other thread or process can. What changed is on the disk when this returns.
    pub(super) fn update<T>(&self, change: impl FnOnce(&mut State) -> Result<T, Error>) -> Result<T, Error> {
        let unwritable = |error: io::Error| Unavailable::Unwritable(error.kind());
        create_directory(&self.directory).map_err(unwritable)?;
        let _lock = self.lock()?;
        let old = self.read()?;
        let mut new = old.clone();
        let value = change(&mut new)?;
        if new != old {
            self.replace(&new).map_err(unwritable)?;
        }
        Ok(value)
    }

    /// The lock lasts as long as the file stays open.
    fn lock(&self) -> Result<File, Unavailable> {
        let unwritable = |error: io::Error| Unavailable::Unwritable(error.kind());
        let path = self.directory.join("guard.lock");
        let give_up = Instant::now() + LOCK_WAIT;
        loop {
            let mut options = OpenOptions::new();
            options.write(true).create(true).truncate(false).mode(0o600).custom_flags(nonblocking());
            let file = options.open(&path).map_err(unwritable)?;
            match file.try_lock() {
                // The lock of a file that was deleted meanwhile keeps nobody out.
                Ok(()) if is_same_file(&file, &path) => return Ok(file),
                Ok(()) | Err(TryLockError::WouldBlock) if Instant::now() >= give_up => {
                    return Err(Unavailable::Locked);
                }
                Ok(()) | Err(TryLockError::WouldBlock) => thread::sleep(LOCK_PAUSE),
                Err(TryLockError::Error(error)) => return Err(unwritable(error)),
            }
        }
    }

    fn replace(&self, state: &State) -> io::Result<()> {
        // The lock makes one name enough; what a crash left there is overwritten.
        let draft = self.directory.join("guard.json.new");
        let written = write_durably(&draft, &serde_json::to_vec_pretty(state)?)
            .and_then(|()| fs::rename(&draft, self.file()))
            .and_then(|()| File::open(&self.directory)?.sync_all());
        if written.is_err() {
            // Best effort: a full disk may need the room.
            let _ = fs::remove_file(&draft);
        }
        written
    }
}

fn write_durably(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600).custom_flags(nonblocking());
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Creates what is missing of the path, and makes each new entry last.
fn create_directory(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    if let Some(parent) = parent {
        create_directory(parent)?;
    }
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) => Err(error),
        Ok(()) => File::open(parent.unwrap_or(Path::new(".")))?.sync_all(),
    }
}

fn is_same_file(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::metadata(path)) {
        (Ok(open), Ok(named)) => (open.dev(), open.ino()) == (named.dev(), named.ino()),
        _ => false,
    }
}

fn nonblocking() -> i32 {
    OFlags::NONBLOCK.bits().cast_signed()
}
