//! A small file of state: read, changed and replaced whole, under a lock, durably.
//!
//! Two daemons of one user (two session buses) may share the folder, so nothing is cached between uses.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::OFlags;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// The version of every state file; a file of another version is left alone.
const VERSION: u64 = 1;

/// Far above what 64 records for each of a thousand credentials need.
const LARGEST: u64 = 16 << 20;

/// Another daemon holds the lock for the time of one write; one that is stopped must not stop this one.
const LOCK_WAIT: Duration = Duration::from_secs(2);
const LOCK_PAUSE: Duration = Duration::from_millis(5);

/// The folder of all state: `$XDG_STATE_HOME/oathbridge`, else `~/.local/state/oathbridge`.
///
/// Not systemd's `StateDirectory`, which moves between its versions. `None` without a home.
pub fn directory() -> Option<PathBuf> {
    let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")))?;
    Some(base.join("oathbridge"))
}

/// What a state file can hold. No secrets, and no account names.
pub trait Content: Clone + Default + PartialEq + Serialize + DeserializeOwned {
    /// Whether it could have been written by this program.
    fn is_sound(&self) -> bool {
        true
    }
}

/// A file of JSON with a `version` field, mode 0600, in a folder of mode 0700 that is made when first needed.
#[derive(Debug)]
pub struct StateFile {
    directory: PathBuf,
    /// Without `.json`.
    name: &'static str,
}

impl StateFile {
    /// The file `<name>.json` in `directory`. Nothing is opened yet.
    pub fn new(directory: PathBuf, name: &'static str) -> Self {
        Self { directory, name }
    }

    /// Where it is, for messages that tell where to look.
    pub fn path(&self) -> PathBuf {
        self.directory.join(format!("{}.json", self.name))
    }

    /// What it holds now; the default when there is no file. Needs no lock: it is only ever replaced whole.
    ///
    /// # Errors
    ///
    /// [`Error`]; the file stays as it is.
    pub fn read<T: Content>(&self) -> Result<T, Error> {
        // Opening a pipe that somebody put there must not wait for its other end.
        let opened = OpenOptions::new().read(true).custom_flags(nonblocking()).open(self.path());
        let file = match opened {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(T::default()),
            Err(error) => return Err(Error::Unreadable(error.kind())),
        };
        let metadata = file.metadata().map_err(|error| Error::Unreadable(error.kind()))?;
        if !metadata.is_file() || metadata.len() > LARGEST {
            return Err(Error::Damaged);
        }
        let mut bytes = Vec::new();
        let read = file.take(LARGEST).read_to_end(&mut bytes);
        read.map_err(|error| Error::Unreadable(error.kind()))?;
        decode(&bytes)
    }

    /// Changes what it holds while no other thread or process can. What changed is on the disk when this
    /// returns. Waits for the lock for 2 seconds at most.
    ///
    /// # Errors
    ///
    /// [`Error`], or what `change` returns; then the file stays as it is.
    pub fn update<T: Content, R, E: From<Error>>(
        &self,
        change: impl FnOnce(&mut T) -> Result<R, E>,
    ) -> Result<R, E> {
        create_directory(&self.directory).map_err(unwritable)?;
        let _lock = self.lock()?;
        let old: T = self.read()?;
        let mut new = old.clone();
        let value = change(&mut new)?;
        if new != old {
            self.replace(&new).map_err(unwritable)?;
        }
        Ok(value)
    }

    /// The lock lasts as long as the file stays open.
    fn lock(&self) -> Result<File, Error> {
        let path = self.directory.join(format!("{}.lock", self.name));
        let give_up = Instant::now() + LOCK_WAIT;
        loop {
            let mut options = OpenOptions::new();
            options.write(true).create(true).truncate(false).mode(0o600).custom_flags(nonblocking());
            let file = options.open(&path).map_err(unwritable)?;
            match file.try_lock() {
                // The lock of a file that was deleted meanwhile keeps nobody out.
                Ok(()) if is_same_file(&file, &path) => return Ok(file),
                Ok(()) | Err(TryLockError::WouldBlock) if Instant::now() >= give_up => {
                    return Err(Error::Locked);
                }
                Ok(()) | Err(TryLockError::WouldBlock) => thread::sleep(LOCK_PAUSE),
                Err(TryLockError::Error(error)) => return Err(unwritable(error)),
            }
        }
    }

    fn replace<T: Content>(&self, content: &T) -> io::Result<()> {
        // The lock makes one name enough; what a crash left there is overwritten.
        let draft = self.directory.join(format!("{}.json.new", self.name));
        let written = write_durably(&draft, &encode(content)?)
            .and_then(|()| fs::rename(&draft, self.path()))
            .and_then(|()| File::open(&self.directory)?.sync_all());
        if written.is_err() {
            // Best effort: a full disk may need the room.
            let _ = fs::remove_file(&draft);
        }
        written
    }
}

/// The content as it is written: an object, with `version` among its members.
fn encode<T: Content>(content: &T) -> serde_json::Result<Vec<u8>> {
    let mut value = serde_json::to_value(content)?;
    if let Value::Object(members) = &mut value {
        members.insert("version".to_owned(), VERSION.into());
    }
    serde_json::to_vec_pretty(&value)
}

fn decode<T: Content>(bytes: &[u8]) -> Result<T, Error> {
    let mut members: Map<String, Value> = serde_json::from_slice(bytes).map_err(|_| Error::Damaged)?;
    match members.remove("version").as_ref().and_then(Value::as_u64).ok_or(Error::Damaged)? {
        0 => return Err(Error::Damaged),
        VERSION => {}
        version => return Err(Error::OtherVersion { version }),
    }
    let content = T::deserialize(Value::Object(members)).map_err(|_| Error::Damaged)?;
    if content.is_sound() { Ok(content) } else { Err(Error::Damaged) }
}

fn unwritable(error: io::Error) -> Error {
    Error::Unwritable(error.kind())
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

/// Why a state file is of no use. It is left as it was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It holds something that no version of this program wrote.
    #[error("it is damaged")]
    Damaged,
    /// Another version of this program wrote it.
    #[error("it has format {version}, which this version doesn't know")]
    OtherVersion {
        /// The number in the file.
        version: u64,
    },
    /// It is there, but can't be read.
    #[error("it can't be read: {0}")]
    Unreadable(ErrorKind),
    /// The disk is full, or the folder read-only.
    #[error("it can't be written: {0}")]
    Unwritable(ErrorKind),
    /// Another process holds its lock and doesn't let go.
    #[error("another process keeps it locked")]
    Locked,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::thread;

    use super::*;

    type Counts = BTreeMap<String, u32>;

    #[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
    struct Content {
        counts: Counts,
    }

    impl super::Content for Content {}

    fn count(file: &StateFile, key: &str) -> Result<(), Error> {
        file.update(|content: &mut Content| {
            *content.counts.entry(key.to_owned()).or_default() += 1;
            Ok(())
        })
    }

    #[test]
    fn writers_don_t_lose_each_other_s_changes() {
        let directory = tempfile::tempdir().unwrap();
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let file = StateFile::new(directory.path().to_owned(), "counts");
                thread::spawn(move || (0..25).for_each(|_| count(&file, "x").unwrap()))
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        let content: Content = StateFile::new(directory.path().to_owned(), "counts").read().unwrap();
        assert_eq!(content.counts, Counts::from([("x".to_owned(), 100)]));
    }

    #[test]
    fn what_is_damaged_or_newer_is_refused_and_kept() {
        let directory = tempfile::tempdir().unwrap();
        let file = StateFile::new(directory.path().to_owned(), "counts");
        for (text, error) in [
            ("{", Error::Damaged),
            ("{\"version\": 1}", Error::Damaged),
            ("", Error::Damaged),
            ("{\"version\": 2, \"counts\": {}}", Error::OtherVersion { version: 2 }),
        ] {
            fs::write(file.path(), text).unwrap();
            assert_eq!(count(&file, "x"), Err(error));
            assert_eq!(fs::read_to_string(file.path()).unwrap(), text);
        }
    }

    #[test]
    fn what_can_t_be_written_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let occupied = directory.path().join("occupied");
        fs::write(&occupied, "").unwrap();
        let file = StateFile::new(occupied, "counts");
        assert!(matches!(count(&file, "x"), Err(Error::Unwritable(_))));
    }

    #[test]
    fn nobody_else_may_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let folder = directory.path().join("a/b");
        let file = StateFile::new(folder.clone(), "counts");
        count(&file, "x").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&file.path())), (0o700, 0o600));
    }
}
