//! Secrets that come through a file descriptor, so that no bus monitor sees them.

use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, fstat};
use rustix::io::{Errno, pread, read as read_once};
use tokio::sync::Semaphore;
use zbus::Fd;
use zeroize::Zeroizing;

use super::Error;
use crate::secret::SecretText;

/// More than any access token or password has.
const LIMIT: usize = 64 * 1024;

/// How long a pipe may take to deliver.
const PATIENCE: Duration = Duration::from_secs(2);

/// How many descriptors are read at once: a thread each, and a network file may hang for ever.
static READERS: Semaphore = Semaphore::const_new(8);

/// Reads a secret: a regular file or memfd from its start, a pipe or socket to its end. One final line break is
/// dropped.
///
/// # Errors
///
/// `InvalidArgs` for other kinds of descriptor, more than 64 KiB, nothing at all, what is not UTF-8, and a
/// writer that takes longer than two seconds.
pub(super) async fn read(fd: Fd<'_>) -> Result<SecretText, Error> {
    let fd = OwnedFd::try_from(fd).map_err(|_| Error::internal())?;
    // Held by the thread, so that those which hang count.
    let permit = READERS.try_acquire().map_err(|_| Error::busy())?;
    let reading = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        read_all(&fd)
    });
    let read =
        tokio::time::timeout(PATIENCE + Duration::from_secs(1), reading).await.map_err(|_| too_slow())?;
    let mut bytes = read.map_err(|_| Error::internal())??;
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
    }
    if bytes.is_empty() {
        return Err(Error::invalid("The file descriptor holds nothing; write the secret into it"));
    }
    SecretText::from_utf8(std::mem::take(&mut *bytes)).map_err(|_| {
        Error::invalid("What the file descriptor holds is not UTF-8 text; write the secret as text")
    })
}

fn read_all(fd: &OwnedFd) -> Result<Zeroizing<Vec<u8>>, Error> {
    let stat = fstat(fd).map_err(|_| unreadable())?;
    let is_file = match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => true,
        FileType::Fifo | FileType::Socket => false,
        _ => {
            return Err(Error::invalid(
                "This kind of file descriptor can't hold a secret; pass a memfd, a file, a pipe or a socket",
            ));
        }
    };
    // Full size from the start: growing would leave unwiped copies behind.
    let mut buffer = Zeroizing::new(vec![0; LIMIT + 1]);
    let started = Instant::now();
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        let count = if is_file { pread(fd, rest, filled as u64) } else { read_stream(fd, rest, started)? };
        match count {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(_) => return Err(unreadable()),
        }
    }
    if filled > LIMIT {
        return Err(Error::invalid(
            "The file descriptor holds more than 64 KiB; write nothing but the secret",
        ));
    }
    buffer.truncate(filled);
    Ok(buffer)
}

fn read_stream(fd: &OwnedFd, rest: &mut [u8], started: Instant) -> Result<Result<usize, Errno>, Error> {
    let left = PATIENCE.checked_sub(started.elapsed()).ok_or_else(too_slow)?;
    let timeout = Timespec::try_from(left).map_err(|_| too_slow())?;
    let mut polled = [PollFd::from_borrowed_fd(fd.as_fd(), PollFlags::IN)];
    match poll(&mut polled, Some(&timeout)) {
        Ok(0) => Err(too_slow()),
        Ok(_) => Ok(read_once(fd, rest)),
        Err(error) => Ok(Err(error)),
    }
}

fn too_slow() -> Error {
    Error::invalid("The file descriptor was not written and closed within 2 seconds; close its writing end")
}

fn unreadable() -> Error {
    Error::invalid("The file descriptor can't be read; open it for reading before passing it")
}
