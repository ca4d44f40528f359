//! A small state file, which is read and replaced as a whole, under a lock and durably.
//!
//! Two daemons of one user (on two session buses) may share the folder, so nothing is cached.

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

/// The version of every state file. A file of another version is not changed.
const VERSION: u64 = 1;

/// The maximum size of a state file in bytes, far above 64 records for each of a thousand credentials.
const MAX_FILE_BYTES: u64 = 16 << 20;

/// The timeout for the lock. Another daemon holds it during one write; a suspended daemon must not block this one.
const LOCK_TIMEOUT: Duration = Duration::from_secs(2);
const LOCK_POLL_INTERVAL: Duration = Duration::from_millis(5);

/// The folder of all state: `$XDG_STATE_HOME/oathbridge`, else `~/.local/state/oathbridge`.
///
/// It is not systemd's `StateDirectory`, whose path depends on the version of systemd. `None` without a home.
pub fn directory() -> Option<PathBuf> {
    Some(xdg::state_home()?.join("oathbridge"))
}

/// The content of a state file. It must not contain secrets or account names.
pub trait Content: Clone + Default + PartialEq + Serialize + DeserializeOwned {
    /// Whether this program could have written the content.
    fn is_sound(&self) -> bool {
        true
    }
}

/// A JSON file with a `version` field and mode 0600, in a folder with mode 0700, which is created at the first write.
#[derive(Debug)]
pub struct StateFile {
    directory: PathBuf,
    /// The name without `.json`.
    name: &'static str,
}

impl StateFile {
    /// The file `<name>.json` in `directory`. Nothing is opened yet.
    pub fn new(directory: PathBuf, name: &'static str) -> Self {
        Self { directory, name }
    }

    /// The path, for messages.
    pub fn path(&self) -> PathBuf {
        self.directory.join(format!("{}.json", self.name))
    }

    /// The current content; the default if there is no file. It needs no lock, because the file is only replaced as a whole.
    ///
    /// # Errors
    ///
    /// [`Error`]; the file is not changed.
    pub fn read<T: Content>(&self) -> Result<T, Error> {
        let read = open_regular_file(&self.path()).and_then(|file| read_at_most(file, MAX_FILE_BYTES));
        match read {
            Ok(bytes) => decode(&bytes),
            Err(regular_file::Error::Unreadable(ErrorKind::NotFound)) => Ok(T::default()),
            Err(regular_file::Error::Unreadable(kind)) => Err(Error::Unreadable(kind)),
            Err(_) => Err(Error::Damaged),
        }
    }

    /// Changes the content under the lock. The change is on the disk when this returns. Waits for the lock for at most 2
    /// seconds.
    ///
    /// # Errors
    ///
    /// [`Error`], or the error of `change`; the file is then not changed.
    pub fn update<T: Content, R, E: From<Error>>(
        &self,
        change: impl FnOnce(&mut T) -> Result<R, E>,
    ) -> Result<R, E> {
        self.update_from(Self::read, change)
    }

    /// Like [`StateFile::update`], for content that can be collected again: a damaged file is renamed to
    /// `<name>.json.damaged`, and the default replaces it.
    ///
    /// # Errors
    ///
    /// Like [`StateFile::update`], but never [`Error::Damaged`].
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

    /// Takes the lock, which is released when the file is closed.
    fn lock(&self) -> Result<File, Error> {
        let path = self.directory.join(format!("{}.lock", self.name));
        let give_up = Instant::now() + LOCK_TIMEOUT;
        loop {
            let mut options = OpenOptions::new();
            options.write(true).create(true).truncate(false).mode(0o600).custom_flags(open_flags());
            let file = options.open(&path).map_err(unwritable)?;
            match file.try_lock() {
                // The lock of a file that was deleted meanwhile excludes no other process.
                Ok(()) if is_same_file(&file, &path) => return Ok(file),
                Ok(()) | Err(TryLockError::WouldBlock) if Instant::now() >= give_up => {
                    return Err(Error::Locked);
                }
                Ok(()) | Err(TryLockError::WouldBlock) => thread::sleep(LOCK_POLL_INTERVAL),
                Err(TryLockError::Error(error)) => return Err(unwritable(error)),
            }
        }
    }

    fn replace<T: Content>(&self, content: &T) -> io::Result<()> {
        // Under the lock one name is enough; a file that a crash left there is overwritten.
        let draft = self.directory.join(format!("{}.json.new", self.name));
        let written = write_durably(&draft, &encode(content)?)
            .and_then(|()| fs::rename(&draft, self.path()))
            .and_then(|()| File::open(&self.directory)?.sync_all());
        if written.is_err() {
            // Best effort, because a full disk needs the space.
            let _ = fs::remove_file(&draft);
        }
        written
    }
}

/// The encoded content: an object with the member `version`.
fn encode<T: Content>(content: &T) -> io::Result<Vec<u8>> {
    let mut value = serde_json::to_value(content)?;
    if let Value::Object(members) = &mut value {
        members.insert("version".to_owned(), VERSION.into());
    }
    let bytes = serde_json::to_vec_pretty(&value)?;
    // A file that could not be read again must not be written.
    let fits = u64::try_from(bytes.len()).is_ok_and(|length| length <= MAX_FILE_BYTES);
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

/// Creates the missing folders of the path, durably.
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

/// The reason why a state file is not usable. The file is not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No version of this program wrote its content.
    #[error("it is damaged")]
    Damaged,
    /// Another version of this program wrote it.
    #[error("it has format {version}, which this version of oathbridge does not support")]
    OtherVersion {
        /// The number in the file.
        version: u64,
    },
    /// It exists, but is not readable.
    #[error("it is not readable: {0}")]
    Unreadable(ErrorKind),
    /// The disk is full, or the folder read-only.
    #[error("it is not writable: {0}")]
    Unwritable(ErrorKind),
    /// Another process holds its lock for too long.
    #[error("another process holds its lock")]
    Locked,
}
