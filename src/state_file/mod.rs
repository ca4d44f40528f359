//! A small file of state: read, changed and replaced whole, under a lock, durably.
//!
//! Two daemons of one user (two session buses) may share the folder, so nothing is cached between uses.

#[cfg(test)]
mod tests;

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::regular_file::{self, open_flags, open_regular_file, read_at_most};
use crate::xdg;

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
    Some(xdg::state_home()?.join("oathbridge"))
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
        let read = open_regular_file(&self.path()).and_then(|file| read_at_most(file, LARGEST));
        match read {
            Ok(bytes) => decode(&bytes),
            Err(regular_file::Error::Unreadable(ErrorKind::NotFound)) => Ok(T::default()),
            Err(regular_file::Error::Unreadable(kind)) => Err(Error::Unreadable(kind)),
            Err(_) => Err(Error::Damaged),
        }
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
        self.update_from(Self::read, change)
    }

    /// As [`StateFile::update`], for content that can be gathered again: a damaged file is renamed to
    /// `<name>.json.damaged`, and the default takes its place.
    ///
    /// # Errors
    ///
    /// As [`StateFile::update`], but never [`Error::Damaged`].
    pub fn update_or_restart<T: Content, R, E: From<Error>>(
        &self,
        change: impl FnOnce(&mut T) -> Result<R, E>,
    ) -> Result<R, E> {
        let read = |file: &Self| match file.read() {
            Err(Error::Damaged) => file.set_aside().map(|()| T::default()),
            read => read,
        };
        self.update_from(read, change)
    }

    fn update_from<T: Content, R, E: From<Error>>(
        &self,
        read: impl FnOnce(&Self) -> Result<T, Error>,
        change: impl FnOnce(&mut T) -> Result<R, E>,
    ) -> Result<R, E> {
        create_directory(&self.directory).map_err(unwritable)?;
        let _lock = self.lock()?;
        let old = read(self)?;
        let mut new = old.clone();
        let value = change(&mut new)?;
        if new != old {
            self.replace(&new).map_err(unwritable)?;
        }
        Ok(value)
    }

    fn set_aside(&self) -> Result<(), Error> {
        let aside = self.directory.join(format!("{}.json.damaged", self.name));
        tracing::warn!("{} is damaged; it is kept as {}", self.path().display(), aside.display());
        fs::rename(self.path(), aside).map_err(unwritable)
    }

    /// The lock lasts as long as the file stays open.
    fn lock(&self) -> Result<File, Error> {
        let path = self.directory.join(format!("{}.lock", self.name));
        let give_up = Instant::now() + LOCK_WAIT;
        loop {
            let mut options = OpenOptions::new();
            options.write(true).create(true).truncate(false).mode(0o600).custom_flags(open_flags());
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
fn encode<T: Content>(content: &T) -> io::Result<Vec<u8>> {
    let mut value = serde_json::to_value(content)?;
    if let Value::Object(members) = &mut value {
        members.insert("version".to_owned(), VERSION.into());
    }
    let bytes = serde_json::to_vec_pretty(&value)?;
    // Nothing is written that couldn't be read again.
    let fits = u64::try_from(bytes.len()).is_ok_and(|length| length <= LARGEST);
    if fits { Ok(bytes) } else { Err(ErrorKind::FileTooLarge.into()) }
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
    options.write(true).create(true).truncate(true).mode(0o600).custom_flags(open_flags());
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
