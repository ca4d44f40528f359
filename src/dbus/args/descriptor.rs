//! Secrets that come through a file descriptor, so that no bus monitor sees them.

use std::io::{self, ErrorKind, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, fcntl_get_seals, fstat};
use rustix::io::{Errno, pread, read as read_once};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use zbus::Fd;
use zeroize::Zeroizing;

use crate::dbus::census::Counted;
use crate::dbus::error::Error;
use crate::secret::{SecretText, read_to_end};

/// More than any access token or password has.
const LIMIT: usize = 64 * 1024;

/// How long a pipe may take to deliver; and how long a descriptor waits until it is its turn.
const PATIENCE: Duration = Duration::from_secs(2);

/// How many descriptors of one caller are read at once. A network file may hang for ever, and so may a pipe: whoever
/// writes to it holds its lock, and what is written may come from such a file. So each is read on a thread.
pub(in crate::dbus) const DESCRIPTORS_PER_CALLER: usize = 2;

/// How many of all callers.
const OF_ALL: usize = 16;

/// A secret as it was passed.
pub(in crate::dbus) enum Passed {
    /// In the message.
    Text(SecretText),
    /// To be read.
    Descriptor(Fd<'static>),
}

/// Who reads callers' descriptors, and how many at once.
#[derive(Debug)]
pub(in crate::dbus) struct Readers {
    all: Arc<Semaphore>,
}

impl Default for Readers {
    fn default() -> Self {
        Self { all: Arc::new(Semaphore::new(OF_ALL)) }
    }
}

impl Readers {
    /// Reads a secret: a regular file or memfd from its start, a pipe or socket to its end. One final line break is
    /// dropped.
    ///
    /// # Errors
    ///
    /// `InvalidArgs` for other kinds of descriptor, more than 64 KiB, nothing at all, what is not UTF-8, and a
    /// writer that takes longer than two seconds. `Busy` when it isn't read for two seconds because others are.
    pub(in crate::dbus) async fn read(
        &self,
        fd: Fd<'_>,
        own: &Arc<Semaphore>,
        counted: Counted,
    ) -> Result<SecretText, Error> {
        let fd = OwnedFd::try_from(fd).map_err(|_| Error::internal())?;
        // Only what is in memory has seals (F_GET_SEALS(2const)); it can't hang.
        let turn = match fcntl_get_seals(&fd) {
            Ok(_) => None,
            Err(_) => Some(self.turn(own).await?),
        };
        let reading = tokio::task::spawn_blocking(move || {
            // Held by the thread, so that those which hang count.
            let _held = (turn, counted);
            read_all(&fd)
        });
        let read =
            tokio::time::timeout(PATIENCE + Duration::from_secs(1), reading).await.map_err(|_| too_slow())?;
        let mut bytes = read.map_err(|_| Error::internal())??;
        if bytes.is_empty() {
            return Err(Error::invalid("The file descriptor holds nothing; write the secret into it"));
        }
        SecretText::from_utf8(std::mem::take(&mut *bytes)).map_err(|_| {
            Error::invalid("What the file descriptor holds is not UTF-8 text; write the secret as text")
        })
    }

    /// Waits until one more of this caller may be read. Its own limit comes first, so that those of one caller that wait
    /// for it keep nobody else waiting.
    async fn turn(
        &self,
        own: &Arc<Semaphore>,
    ) -> Result<(OwnedSemaphorePermit, OwnedSemaphorePermit), Error> {
        let (own, all) = (Arc::clone(own), Arc::clone(&self.all));
        let both = async { Ok((own.acquire_owned().await?, all.acquire_owned().await?)) };
        match tokio::time::timeout(PATIENCE, both).await {
            Ok(permits) => permits.map_err(|_: tokio::sync::AcquireError| Error::internal()),
            Err(_) => Err(Error::busy()),
        }
    }
}

fn read_all(fd: &OwnedFd) -> Result<Zeroizing<Vec<u8>>, Error> {
    let stat = fstat(fd).map_err(|_| unreadable())?;
    let read = match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => read_to_end(FromStart { fd, offset: 0 }, LIMIT),
        FileType::Fifo | FileType::Socket => read_to_end(Stream { fd, started: Instant::now() }, LIMIT),
        _ => {
            return Err(Error::invalid(
                "This kind of file descriptor can't hold a secret; pass a memfd, a file, a pipe or a socket",
            ));
        }
    };
    read.map_err(|error| match error.kind() {
        ErrorKind::InvalidData => {
            Error::invalid("The file descriptor holds more than 64 KiB; write nothing but the secret")
        }
        ErrorKind::TimedOut => too_slow(),
        _ => unreadable(),
    })
}

/// A file, wherever its caller's position in it is.
struct FromStart<'a> {
    fd: &'a OwnedFd,
    offset: u64,
}

impl Read for FromStart<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = pread(self.fd, buffer, self.offset)?;
        self.offset += count as u64;
        Ok(count)
    }
}

/// A pipe or socket, for as long as it may take to deliver.
struct Stream<'a> {
    fd: &'a OwnedFd,
    started: Instant,
}

impl Read for Stream<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let left = PATIENCE.checked_sub(self.started.elapsed()).ok_or(ErrorKind::TimedOut)?;
            let timeout = Timespec::try_from(left).map_err(|_| ErrorKind::TimedOut)?;
            let mut polled = [PollFd::from_borrowed_fd(self.fd.as_fd(), PollFlags::IN)];
            if poll(&mut polled, Some(&timeout))? == 0 {
                return Err(ErrorKind::TimedOut.into());
            }
            match read_once(self.fd, &mut *buffer) {
                // Somebody else has read it.
                Err(Errno::AGAIN) => {}
                read => return Ok(read?),
            }
        }
    }
}

fn too_slow() -> Error {
    Error::invalid("The file descriptor was not written and closed within 2 seconds; close its writing end")
}

fn unreadable() -> Error {
    Error::invalid("The file descriptor can't be read; open it for reading before passing it")
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{PipeReader, Write, pipe};

    use super::*;
    use crate::dbus::census::{Census, Item};
    use crate::secret::sealed;

    fn written(text: &str) -> PipeReader {
        let (reader, mut writer) = pipe().unwrap();
        writer.write_all(text.as_bytes()).unwrap();
        reader
    }

    async fn read(readers: &Readers, own: &Own, fd: impl Into<OwnedFd>) -> Result<String, Error> {
        let (fd, counted) = (Fd::from(fd.into()), Census::default().count(Item::Descriptor));
        readers.read(fd, own, counted).await.map(|secret| secret.expose().to_owned())
    }

    /// What a caller may have read at once.
    type Own = Arc<Semaphore>;

    fn caller() -> Own {
        Arc::new(Semaphore::new(DESCRIPTORS_PER_CALLER))
    }

    #[tokio::test]
    async fn one_caller_s_descriptors_that_hang_are_in_its_own_way_only() {
        let readers = Readers::default();
        let (one, two) = (caller(), caller());
        let _hanging = (readers.turn(&one).await.unwrap(), readers.turn(&one).await.unwrap());
        let (own, other, in_memory) = tokio::join!(
            read(&readers, &one, written("third")),
            read(&readers, &two, written("other")),
            read(&readers, &one, sealed(b"in memory").unwrap()),
        );
        assert_eq!(own, Err(Error::busy()));
        assert_eq!((other.as_deref(), in_memory.as_deref()), (Ok("other"), Ok("in memory")));
    }

    #[tokio::test]
    async fn when_too_many_are_read_the_next_one_waits() {
        let readers = Readers::default();
        let mut hanging = Vec::new();
        for own in std::iter::repeat_with(caller).take(OF_ALL / DESCRIPTORS_PER_CALLER) {
            for _ in 0..DESCRIPTORS_PER_CALLER {
                hanging.push(readers.turn(&own).await.unwrap());
            }
        }
        let (file, other) = (File::open("/proc/self/comm").unwrap(), caller());
        assert_eq!(read(&readers, &other, file).await, Err(Error::busy()));
        let released = async { drop(hanging.pop()) };
        let (secret, ()) = tokio::join!(read(&readers, &other, written("at last")), released);
        assert_eq!(secret.as_deref(), Ok("at last"));
    }
}
