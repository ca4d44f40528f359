//! A small file of state: read, changed and written whole, under a lock, durably.
//!
//! Two daemons of one user (two session buses) may share the folder, so nothing is cached between uses.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The version of every state file; a file of another version is left alone.
const VERSION: u64 = 1;

/// The folder of all state: `$XDG_STATE_HOME/oathbridge`, else `~/.local/state/oathbridge`.
///
/// Not systemd's `StateDirectory`, which moves between its versions. `None` without a home.
pub fn directory() -> Option<PathBuf> {
    let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")))?;
    Some(base.join("oathbridge"))
}

/// A file of JSON with a `version` field, mode 0600, in a folder of mode 0700 that is made when needed.
#[derive(Clone, Debug)]
pub struct StateFile {
    directory: PathBuf,
    name: &'static str,
}

impl StateFile {
    /// The file `name` in `directory`. Nothing is opened yet.
    pub fn new(directory: &Path, name: &'static str) -> Self {
        Self { directory: directory.to_owned(), name }
    }

    /// What the file holds; the default when there is none.
    ///
    /// # Errors
    ///
    /// Any [`Error`]; a damaged file stays as it is.
    pub fn read<T: Default + DeserializeOwned>(&self) -> Result<T, Error> {
        match fs::read(self.path()) {
            Ok(bytes) => parse(&bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(T::default()),
            Err(error) => Err(Error::Unreadable(error.kind())),
        }
    }

    /// Changes what the file holds. It is on the disk when this returns, unless `change` returns an error or
    /// leaves everything as it was.
    ///
    /// # Errors
    ///
    /// Any [`Error`], or what `change` returns; then the file stays as it is.
    pub fn update<T, R, E>(&self, change: impl FnOnce(&mut T) -> Result<R, E>) -> Result<R, E>
    where
        T: Default + Clone + PartialEq + Serialize + DeserializeOwned,
        E: From<Error>,
    {
        let _lock = self.lock()?;
        let before: T = self.read()?;
        let mut after = before.clone();
        let result = change(&mut after)?;
        if after != before {
            self.write(&after)?;
        }
        Ok(result)
    }

    fn path(&self) -> PathBuf {
        self.directory.join(self.name)
    }

    /// The lock is the open file's: closing the file, or dying, releases it.
    fn lock(&self) -> Result<File, Error> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.directory).map_err(unwritable)?;
        let path = self.directory.join(format!("{}.lock", self.name));
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path).map_err(unwritable)?;
        flock(&file, FlockOperation::LockExclusive).map_err(|error| unwritable(error.into()))?;
        Ok(file)
    }

    fn write<T: Serialize>(&self, content: &T) -> Result<(), Error> {
        let new = self.directory.join(format!("{}.new", self.name));
        let text = serde_json::to_vec_pretty(&Versioned { version: VERSION, content })
            .map_err(|_| Error::Unwritable(io::ErrorKind::InvalidData))?;
        let write = || -> io::Result<()> {
            let mut file =
                OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&new)?;
            file.write_all(&text)?;
            file.sync_all()?;
            fs::rename(&new, self.path())?;
            File::open(&self.directory)?.sync_all()
        };
        write().map_err(unwritable)
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    let Version { version } = serde_json::from_slice(bytes).map_err(|_| Error::Damaged)?;
    if version != VERSION {
        return Err(Error::OtherVersion(version));
    }
    let file: Versioned<T> = serde_json::from_slice(bytes).map_err(|_| Error::Damaged)?;
    Ok(file.content)
}

fn unwritable(error: io::Error) -> Error {
    Error::Unwritable(error.kind())
}

#[derive(serde::Deserialize)]
struct Version {
    version: u64,
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Versioned<T> {
    version: u64,
    #[serde(flatten)]
    content: T,
}

/// Why a state file can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It isn't what this program writes.
    #[error("it is damaged")]
    Damaged,
    /// Another version of this program wrote it.
    #[error("it has version {0}, and this program knows version 1")]
    OtherVersion(u64),
    /// Reading it failed.
    #[error("it can't be read: {0}")]
    Unreadable(io::ErrorKind),
    /// Writing it failed.
    #[error("it can't be written: {0}")]
    Unwritable(io::ErrorKind),
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
                let file = StateFile::new(directory.path(), "counts.json");
                thread::spawn(move || (0..25).for_each(|_| count(&file, "x").unwrap()))
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        let content: Content = StateFile::new(directory.path(), "counts.json").read().unwrap();
        assert_eq!(content.counts, Counts::from([("x".to_owned(), 100)]));
    }

    #[test]
    fn what_is_damaged_or_newer_is_refused_and_kept() {
        let directory = tempfile::tempdir().unwrap();
        let file = StateFile::new(directory.path(), "counts.json");
        for (text, error) in [
            ("{", Error::Damaged),
            ("{\"version\": 1}", Error::Damaged),
            ("", Error::Damaged),
            ("{\"version\": 2, \"counts\": {}}", Error::OtherVersion(2)),
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
        let file = StateFile::new(&occupied, "counts.json");
        assert!(matches!(count(&file, "x"), Err(Error::Unwritable(_))));
    }

    #[test]
    fn nobody_else_may_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let folder = directory.path().join("a/b");
        let file = StateFile::new(&folder, "counts.json");
        count(&file, "x").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&file.path())), (0o700, 0o600));
    }
}
