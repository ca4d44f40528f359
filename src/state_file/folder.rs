//! The folder of state files: opened once, checked, and the only way to its files.
//!
//! Files are opened relative to the checked folder, so nothing that happens to its path in the meantime has an effect.
//! No file is followed through a link, because a link could make the daemon overwrite another file of the user.

use std::fs::{DirBuilder, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use rustix::fs::{
    AtFlags, CWD, FileType, Mode, OFlags, Stat, fchmod, fstat, openat, renameat, statat, unlinkat,
};
use rustix::io::Errno;
use rustix::process::geteuid;

use super::{Error, unwritable};

/// The mode of the folder, and that of its files.
const FOLDER_MODE: Mode = Mode::RWXU;
const FILE_MODE: Mode = Mode::RUSR.union(Mode::WUSR);

/// Opening does not block on a pipe, and does not follow a link.
const SAFELY: OFlags = OFlags::NONBLOCK.union(OFlags::NOCTTY).union(OFlags::CLOEXEC).union(OFlags::NOFOLLOW);

/// An open folder that belongs to this user, and that nobody else may use.
#[derive(Debug)]
pub(super) struct Folder(File);

impl Folder {
    /// Opens the folder; `None` if there is none. A folder that others may read is closed to them.
    ///
    /// # Errors
    ///
    /// [`Error::NotOurs`], [`Error::OpenToOthers`], [`Error::Unreadable`].
    pub(super) fn open(path: &Path) -> Result<Option<Self>, Error> {
        // A link to the folder is the user's choice; the checks below are for the folder that it leads to.
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = match openat(CWD, path, flags, Mode::empty()) {
            Ok(folder) => File::from(folder),
            Err(Errno::NOENT) => return Ok(None),
            Err(error) => return Err(Error::Unreadable(kind(error))),
        };
        let facts = checked(&folder)?;
        let mode = Mode::from_raw_mode(facts.st_mode);
        if mode.intersects(Mode::WGRP | Mode::WOTH) {
            return Err(Error::OpenToOthers);
        }
        if mode.intersects(Mode::RWXG | Mode::RWXO) {
            fchmod(&folder, FOLDER_MODE).map_err(|error| Error::Unwritable(kind(error)))?;
        }
        Ok(Some(Self(folder)))
    }

    /// Creates the missing folders of the path, durably, and opens the last one.
    ///
    /// # Errors
    ///
    /// [`Error::NotAFolder`], [`Error::Unwritable`], and the errors of [`Folder::open`].
    pub(super) fn create(path: &Path) -> Result<Self, Error> {
        create_directory(path).map_err(|error| match path.symlink_metadata() {
            Ok(_) if !path.is_dir() => Error::NotAFolder,
            _ => unwritable(error),
        })?;
        Self::open(path)?.ok_or(Error::Unwritable(ErrorKind::NotFound))
    }

    /// Opens a file for reading; `None` if there is none.
    ///
    /// # Errors
    ///
    /// [`Error::Damaged`] for a link and for anything else than a regular file, [`Error::NotOurs`],
    /// [`Error::Unreadable`].
    pub(super) fn read(&self, name: &str) -> Result<Option<File>, Error> {
        let file = match openat(&self.0, name, OFlags::RDONLY | SAFELY, Mode::empty()) {
            Ok(file) => File::from(file),
            Err(Errno::NOENT) => return Ok(None),
            // A link, a socket, a device without a driver.
            Err(Errno::LOOP | Errno::NXIO | Errno::NODEV) => return Err(Error::Damaged),
            Err(error) => return Err(Error::Unreadable(kind(error))),
        };
        let facts = checked(&file)?;
        if FileType::from_raw_mode(facts.st_mode) != FileType::RegularFile {
            return Err(Error::Damaged);
        }
        Ok(Some(file))
    }

    /// Opens the file of a lock, and creates it if it is missing.
    pub(super) fn lock_file(&self, name: &str) -> io::Result<File> {
        let file = File::from(openat(&self.0, name, OFlags::WRONLY | OFlags::CREATE | SAFELY, FILE_MODE)?);
        fchmod(&file, FILE_MODE)?;
        Ok(file)
    }

    /// Creates a file, in place of anything else of this name. An old file would bring its mode, and its other names.
    pub(super) fn create_file(&self, name: &str) -> io::Result<File> {
        self.remove(name)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | SAFELY;
        let file = File::from(openat(&self.0, name, flags, FILE_MODE)?);
        // The umask of the process may have removed permissions.
        fchmod(&file, FILE_MODE)?;
        Ok(file)
    }

    /// Renames a file of the folder, durably.
    pub(super) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        renameat(&self.0, from, &self.0, to)?;
        self.0.sync_all()
    }

    /// Removes a file, if there is one.
    pub(super) fn remove(&self, name: &str) -> io::Result<()> {
        match unlinkat(&self.0, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether this is the file of that name.
    pub(super) fn holds(&self, name: &str, file: &File) -> bool {
        match (fstat(file), statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW)) {
            (Ok(open), Ok(named)) => (open.st_dev, open.st_ino) == (named.st_dev, named.st_ino),
            _ => false,
        }
    }
}

/// The facts about an open file or folder of this user.
fn checked(file: &File) -> Result<Stat, Error> {
    let facts = fstat(file).map_err(|error| Error::Unreadable(kind(error)))?;
    if facts.st_uid == geteuid().as_raw() { Ok(facts) } else { Err(Error::NotOurs) }
}

fn kind(error: Errno) -> ErrorKind {
    io::Error::from(error).kind()
}

/// Creates the missing folders of a path, durably.
pub(super) fn create_directory(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    if let Some(parent) = parent {
        create_directory(parent)?;
    }
    match DirBuilder::new().mode(FOLDER_MODE.as_raw_mode()).create(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) => Err(error),
        Ok(()) => File::open(parent.unwrap_or(Path::new(".")))?.sync_all(),
    }
}
