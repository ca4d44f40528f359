//! Files that a user names: opened without blocking, and read only if they are regular files of a bounded size.
//!
//! Opening a pipe blocks until its other end is opened, and reading a device or a pipe may never end. Reading a regular
//! file may still take long on a network file system, so async code does it on tokio's pool for blocking calls.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;

/// Opens a regular file for reading. It is opened before it is checked, so the checked file is the one that is read.
/// Symbolic links are followed.
///
/// # Errors
///
/// [`Error::Unreadable`] and [`Error::NotRegular`].
pub fn open_regular_file(path: &Path) -> Result<File, Error> {
    let file = OpenOptions::new().read(true).custom_flags(open_flags()).open(path).map_err(unopened)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(Error::NotRegular) }
}

/// Reads an open file to its end.
///
/// # Errors
///
/// [`Error::TooLarge`] for more than `limit` bytes, otherwise [`Error::Unreadable`].
pub fn read_at_most(file: File, limit: u64) -> Result<Vec<u8>, Error> {
    if file.metadata()?.len() > limit {
        return Err(Error::TooLarge { limit });
    }
    let mut bytes = Vec::new();
    // The file may grow meanwhile, and files below /proc report no length.
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    let fits = u64::try_from(bytes.len()).is_ok_and(|length| length <= limit);
    if fits { Ok(bytes) } else { Err(Error::TooLarge { limit }) }
}

/// Reads the text of a regular file.
///
/// # Errors
///
/// Any [`Error`].
pub fn read_text(path: &Path, limit: u64) -> Result<String, Error> {
    let bytes = read_at_most(open_regular_file(path)?, limit)?;
    String::from_utf8(bytes).map_err(|_| Error::NotText)
}

/// Flags for [`OpenOptionsExt::custom_flags`]: opening does not block on a pipe, and does not make a terminal the
/// controlling one. The standard library adds `O_CLOEXEC`.
fn open_flags() -> i32 {
    (OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed()
}

/// The reason why a file is not usable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It does not exist, or it cannot be opened or read.
    #[error("{}", unreadable(*.0))]
    Unreadable(ErrorKind),
    /// It is a directory, a pipe, a socket or a device.
    #[error("it is not a regular file")]
    NotRegular,
    /// It is larger than allowed.
    #[error("it is larger than {} KiB", limit.div_ceil(1024))]
    TooLarge {
        /// The maximum size in bytes.
        limit: u64,
    },
    /// It is not UTF-8.
    #[error("it is not UTF-8 text")]
    NotText,
}

fn unreadable(kind: ErrorKind) -> String {
    match kind {
        ErrorKind::NotFound | ErrorKind::NotADirectory => "there is no such file".to_owned(),
        kind => format!("it cannot be read: {kind}"),
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Unreadable(error.kind())
    }
}

/// Converts an error of opening. Sockets, and devices without a driver, cannot be opened at all.
fn unopened(error: io::Error) -> Error {
    match rustix::io::Errno::from_io_error(&error) {
        Some(rustix::io::Errno::NXIO | rustix::io::Errno::NODEV) => Error::NotRegular,
        _ => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::net::UnixListener;

    use rustix::fs::{CWD, FileType, Mode, mknodat};

    use super::*;

    #[test]
    fn other_kinds_of_files_are_refused_without_blocking() {
        let directory = tempfile::tempdir().unwrap();
        let place = |name| directory.path().join(name);
        mknodat(CWD, place("pipe"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        let _listener = UnixListener::bind(place("socket")).unwrap();
        std::os::unix::fs::symlink(place("pipe"), place("link")).unwrap();
        for path in [
            place("pipe"),
            place("socket"),
            place("link"),
            place(""),
            "/dev/zero".into(),
            "/dev/null".into(),
            "/dev/ptmx".into(),
        ] {
            assert_eq!(open_regular_file(&path).unwrap_err(), Error::NotRegular, "{}", path.display());
        }
        let missing = open_regular_file(&place("missing")).unwrap_err();
        assert_eq!(missing, Error::Unreadable(ErrorKind::NotFound));
        assert_eq!(missing.to_string(), "there is no such file");
    }

    #[test]
    fn a_file_is_read_completely_or_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        fs::write(&path, "1234").unwrap();
        assert_eq!(read_text(&path, 4).as_deref(), Ok("1234"));
        assert_eq!(read_text(&path, 3), Err(Error::TooLarge { limit: 3 }));
        fs::write(&path, b"\xff").unwrap();
        assert_eq!(read_text(&path, 3), Err(Error::NotText));
        assert_eq!(Error::TooLarge { limit: 1 << 20 }.to_string(), "it is larger than 1024 KiB");
        // The file has bytes, but reports a length of zero.
        assert_eq!(read_text("/proc/self/status".as_ref(), 3), Err(Error::TooLarge { limit: 3 }));
    }

    #[test]
    fn a_child_process_does_not_inherit_the_file() {
        let file = open_regular_file("/proc/self/status".as_ref()).unwrap();
        assert!(rustix::io::fcntl_getfd(&file).unwrap().contains(rustix::io::FdFlags::CLOEXEC));
    }
}
