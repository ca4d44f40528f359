//! A small state file, which is read and replaced as a whole, under a lock and durably.
//!
//! Two daemons of one user (on two session buses) may share the folder, so nothing is cached.

mod check;
mod folder;
#[cfg(test)]
mod tests;

use std::fs::{File, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::regular_file::{self, read_at_most};
use crate::xdg;
use folder::Folder;

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

/// The folder of what may be lost at the end of the session: `$XDG_RUNTIME_DIR/oathbridge`. `None` without that variable.
pub fn runtime_directory() -> Option<PathBuf> {
    Some(xdg::runtime()?.join("oathbridge"))
}

/// The same for a tool, which may be started without the variable in a session that has the folder.
pub fn session_directory() -> Option<PathBuf> {
    Some(xdg::session_runtime()?.join("oathbridge"))
}

/// The content of a state file. It must not contain secrets or account names.
pub trait Content: Clone + Default + PartialEq + Serialize + DeserializeOwned {
    /// Whether this program could have written the content.
    fn is_sound(&self) -> bool {
        true
    }
}

/// A JSON file with a `version` field and mode 0600, in a folder with mode 0700, which is created at the first write.
///
/// The folder must belong to this user, and nobody else may be able to write to it.
#[derive(Debug)]
pub struct StateFile {
    directory: PathBuf,
    /// The name of the file.
    name: String,
    /// The names of the file of the lock, of the next content until it is complete, and of damaged content.
    lock: String,
    draft: String,
    aside: String,
}

impl StateFile {
    /// The file `<name>.json` in `directory`. Nothing is opened yet.
    pub fn new(directory: PathBuf, name: &str) -> Self {
        Self { lock: format!("{name}.lock"), ..Self::bare(directory, &format!("{name}.json")) }
    }

    /// The same for a file without the suffix, which may be in one folder with one that has it.
    pub fn bare(directory: PathBuf, name: &str) -> Self {
        Self {
            directory,
            name: name.to_owned(),
            lock: format!("{name}.bare.lock"),
            draft: format!("{name}.new"),
            aside: format!("{name}.damaged"),
        }
    }

    /// The path, for messages.
    pub fn path(&self) -> PathBuf {
        self.directory.join(&self.name)
    }

    /// The folder.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Locks the folder that contains the file's folder, until the result is dropped: of several processes that start
    /// for the first time, one at a time finds out that there is no folder, and creates it. Waits for at most 2
    /// seconds.
    ///
    /// `None` if that folder cannot be created or locked, which is written to the journal.
    pub fn lock_parent(&self) -> Option<File> {
        let parent = self.directory.parent()?;
        let created = folder::create_directory(parent).map_err(unwritable);
        let locked = created.and_then(|_| until_locked(|| File::open(parent), |_| true));
        let log = |error: &Error| {
            tracing::warn!("cannot lock {}, so another daemon may start now: {error}", parent.display());
        };
        locked.inspect_err(log).ok()
    }

    /// The current content; the default if there is no file. It needs no lock, because the file is only replaced as a whole.
    ///
    /// # Errors
    ///
    /// [`Error`]; the file is not changed.
    pub fn read<T: Content>(&self) -> Result<T, Error> {
        match Folder::open(&self.directory)? {
            Some(folder) => self.read_in(&folder),
            None => Ok(T::default()),
        }
    }

    fn read_in<T: Content>(&self, folder: &Folder) -> Result<T, Error> {
        let Some(file) = folder.read(&self.name)? else { return Ok(T::default()) };
        match read_at_most(file, MAX_FILE_BYTES) {
            Ok(bytes) => decode(&bytes),
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
        self.update_from(Self::read_in, change)
    }

    /// Like [`StateFile::update`], for content that can be collected again: a damaged file is renamed to
    /// `<file>.damaged`, and the default replaces it.
    ///
    /// # Errors
    ///
    /// Like [`StateFile::update`], but never [`Error::Damaged`].
    pub fn update_or_restart<T: Content, R, E: From<Error>>(
        &self,
        change: impl FnOnce(&mut T) -> Result<R, E>,
    ) -> Result<R, E> {
        let read = |file: &Self, folder: &Folder| match file.read_in(folder) {
            Err(Error::Damaged) => file.set_aside(folder).map(|()| T::default()),
            read => read,
        };
        self.update_from(read, change)
    }

    /// Replaces the file whatever it is, for content that does not depend on the old one. It is on the disk when this
    /// returns. Waits for the lock for at most 2 seconds.
    ///
    /// # Errors
    ///
    /// [`Error`] of the folder, the lock or the write.
    pub fn overwrite<T: Content>(&self, content: &T) -> Result<(), Error> {
        let folder = Folder::create(&self.directory)?;
        let _lock = self.lock(&folder)?;
        self.replace(&folder, content).map_err(unwritable)
    }

    fn update_from<T: Content, R, E: From<Error>>(
        &self,
        read: impl FnOnce(&Self, &Folder) -> Result<T, Error>,
        change: impl FnOnce(&mut T) -> Result<R, E>,
    ) -> Result<R, E> {
        let folder = Folder::create(&self.directory)?;
        let _lock = self.lock(&folder)?;
        let old = read(self, &folder)?;
        let mut new = old.clone();
        let value = change(&mut new)?;
        if new != old {
            self.replace(&folder, &new).map_err(unwritable)?;
        }
        Ok(value)
    }

    fn set_aside(&self, folder: &Folder) -> Result<(), Error> {
        let aside = self.directory.join(&self.aside);
        tracing::warn!("{} is damaged; it is kept as {}", self.path().display(), aside.display());
        folder.rename(&self.name, &self.aside).map_err(unwritable)
    }

    /// Takes the lock, which is released when the file is closed.
    fn lock(&self, folder: &Folder) -> Result<File, Error> {
        // The lock of a file that was deleted meanwhile excludes no other process.
        until_locked(|| folder.lock_file(&self.lock), |file| folder.holds(&self.lock, file))
    }

    fn replace<T: Content>(&self, folder: &Folder, content: &T) -> io::Result<()> {
        // Under the lock one name is enough; what a crash left there is replaced.
        let bytes = encode(content)?;
        let written =
            write_durably(folder, &self.draft, &bytes).and_then(|()| folder.rename(&self.draft, &self.name));
        if written.is_err() {
            // Best effort, because a full disk needs the space.
            let _ = folder.remove(&self.draft);
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

/// Opens and locks a file for which `is_right` is true.
fn until_locked(
    open: impl Fn() -> io::Result<File>,
    is_right: impl Fn(&File) -> bool,
) -> Result<File, Error> {
    let give_up = Instant::now() + LOCK_TIMEOUT;
    loop {
        let file = open().map_err(unwritable)?;
        match file.try_lock() {
            Ok(()) if is_right(&file) => return Ok(file),
            Ok(()) | Err(TryLockError::WouldBlock) if Instant::now() >= give_up => return Err(Error::Locked),
            Ok(()) | Err(TryLockError::WouldBlock) => thread::sleep(LOCK_POLL_INTERVAL),
            Err(TryLockError::Error(error)) => return Err(unwritable(error)),
        }
    }
}

fn unwritable(error: io::Error) -> Error {
    Error::Unwritable(error.kind())
}

fn write_durably(folder: &Folder, name: &str, bytes: &[u8]) -> io::Result<()> {
    let mut file = folder.create_file(name)?;
    file.write_all(bytes)?;
    file.sync_all()
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
    /// A file or a link to nothing is in the place of its folder.
    #[error("a file or a link to nothing is in the place of its folder; move it away")]
    NotAFolder,
    /// The file or its folder belongs to another user, and could be changed by that user.
    #[error("it or its folder belongs to another user; change the owner of both")]
    NotOurs,
    /// Other users may write to its folder, and could have replaced the file.
    #[error("other users can write to its folder; run chmod 700 on the folder")]
    OpenToOthers,
    /// Another process holds its lock for too long.
    #[error("another process holds its lock")]
    Locked,
}
