//! Secrets in file descriptors, which are invisible to monitors of the bus.

use std::io::{self, ErrorKind, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{FileType, OFlags, fcntl_get_seals, fcntl_getfl, fstat};
use rustix::io::{Errno, pread, read as read_once};
use rustix::pipe::{PipeFlags, pipe_with};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use zbus::Fd;
use zeroize::Zeroizing;

use crate::clock::Clock;
use crate::dbus::census::Counted;
use crate::dbus::error::Error;
use crate::secret::{SecretText, read_to_end};

/// The maximum length of a secret, longer than any access token or password.
const MAX_SECRET_BYTES: usize = 64 * 1024;

/// The timeout for reading a descriptor, and for the wait before it is read.
const READ_TIMEOUT: Duration = Duration::from_secs(2);

/// The number of descriptors of one caller that are read at once. Reading a network file may hang for ever, and so may
/// reading a pipe whose writer reads from such a file. So each descriptor is read on a thread.
pub(in crate::dbus) const DESCRIPTORS_PER_CALLER: usize = 2;

/// The number of descriptors of all callers that are read at once.
const MAX_READS: usize = 16;

/// A secret in a call.
pub(in crate::dbus) enum Passed {
    /// In the message.
    Text(SecretText),
    /// In a descriptor, not read yet.
    Descriptor(Fd<'static>),
}

/// The permits to read descriptors.
#[derive(Debug)]
pub(in crate::dbus) struct Readers {
    all: Arc<Semaphore>,
    clock: Arc<dyn Clock>,
}

impl Readers {
    pub(in crate::dbus) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { all: Arc::new(Semaphore::new(MAX_READS)), clock }
    }

    /// Reads a secret: a regular file or memfd from its start, a pipe or socket to its end. Removes one final line break.
    ///
    /// # Errors
    ///
    /// `InvalidArgs` for other kinds of descriptors, more than 64 KiB, empty content, content that is not UTF-8, and a writer
    /// that takes longer than two seconds. `Busy` if it waits for two seconds while others are read.
    pub(in crate::dbus) async fn read(
        &self,
        fd: Fd<'_>,
        own: &Arc<Semaphore>,
        counted: Counted,
    ) -> Result<SecretText, Error> {
        let fd = OwnedFd::try_from(fd).map_err(|_| Error::internal())?;
        // Only files in memory have seals (F_GET_SEALS(2const)), and reading them cannot hang.
        let permits = match fcntl_get_seals(&fd) {
            Ok(_) => None,
            Err(_) => Some(self.permits(own).await?),
        };
        // The thread sees the end of this pipe when the caller leaves or the time is over.
        let (end, _waits) = pipe_with(PipeFlags::CLOEXEC).map_err(|_| Error::internal())?;
        let reading = tokio::task::spawn_blocking(move || {
            // Held by the thread, so that a thread that hangs counts.
            let _held = (permits, counted);
            read_all(&fd, &end)
        });
        let read = tokio::select! {
            biased;
            read = reading => read,
            () = self.clock.sleep(READ_TIMEOUT) => return Err(too_slow()),
        };
        let mut bytes = read.map_err(|_| Error::internal())??;
        if bytes.is_empty() {
            return Err(Error::invalid("The file descriptor is empty; write the secret to it"));
        }
        SecretText::from_utf8(std::mem::take(&mut *bytes)).map_err(|_| {
            Error::invalid("The content of the file descriptor is not UTF-8 text; write the secret as text")
        })
    }

    /// Waits for the permits. The caller's own limit comes first, so that its waiting descriptors do not delay other callers.
    async fn permits(
        &self,
        own: &Arc<Semaphore>,
    ) -> Result<(OwnedSemaphorePermit, OwnedSemaphorePermit), Error> {
        let (own, all) = (Arc::clone(own), Arc::clone(&self.all));
        if let Ok(own) = Arc::clone(&own).try_acquire_owned()
            && let Ok(all) = Arc::clone(&all).try_acquire_owned()
        {
            return Ok((own, all));
        }
        let both = async { Ok((own.acquire_owned().await?, all.acquire_owned().await?)) };
        tokio::select! {
            biased;
            permits = both => permits.map_err(|_: tokio::sync::AcquireError| Error::internal()),
            () = self.clock.sleep(READ_TIMEOUT) => Err(Error::busy()),
        }
    }
}

/// Reads everything; a pipe or socket until `end` has no writer.
fn read_all(fd: &OwnedFd, end: &OwnedFd) -> Result<Zeroizing<Vec<u8>>, Error> {
    let stat = fstat(fd).map_err(|_| unreadable())?;
    let flags = fcntl_getfl(fd).map_err(|_| unreadable())?;
    // poll(2) would wait for data on the writing end of a pipe.
    if flags.intersection(OFlags::ACCMODE) == OFlags::WRONLY {
        return Err(unreadable());
    }
    let read = match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => read_to_end(FromStart { fd, offset: 0 }, MAX_SECRET_BYTES),
        FileType::Fifo | FileType::Socket => read_to_end(Stream { fd, end }, MAX_SECRET_BYTES),
        _ => {
            return Err(Error::invalid(
                "This kind of file descriptor is not supported; pass a memfd, a file, a pipe or a socket",
            ));
        }
    };
    read.map_err(|error| match error.kind() {
        ErrorKind::InvalidData => {
            Error::invalid("The file descriptor has more than 64 KiB; write only the secret to it")
        }
        ErrorKind::TimedOut => too_slow(),
        _ => unreadable(),
    })
}

/// A file, read from its start whatever its offset.
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

/// A pipe or socket, read until `end` has no writer.
struct Stream<'a> {
    fd: &'a OwnedFd,
    end: &'a OwnedFd,
}

impl Read for Stream<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let mut polled = [(self.fd, PollFlags::IN), (self.end, PollFlags::empty())]
                .map(|(fd, events)| PollFd::from_borrowed_fd(fd.as_fd(), events));
            poll(&mut polled, None)?;
            let [source, end] = &polled;
            if !end.revents().is_empty() {
                return Err(ErrorKind::TimedOut.into());
            }
            if source.revents().is_empty() {
                continue;
            }
            match read_once(self.fd, &mut *buffer) {
                // Another process has read the data.
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
    Error::invalid("The file descriptor is not readable; open it for reading and pass it again")
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{PipeReader, Write, pipe};

    use super::*;
    use crate::clock::ManualClock;
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

    /// The permits of a caller.
    type Own = Arc<Semaphore>;

    fn caller() -> Own {
        Arc::new(Semaphore::new(DESCRIPTORS_PER_CALLER))
    }

    fn readers() -> (Readers, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::at(Duration::ZERO));
        (Readers::new(clock.clone()), clock)
    }

    async fn time_is_over(clock: &ManualClock) {
        clock.wait_for_sleeper(READ_TIMEOUT).await;
        clock.advance(READ_TIMEOUT);
    }

    #[tokio::test]
    async fn descriptors_that_hang_delay_only_their_own_caller() {
        let (readers, clock) = readers();
        let (one, two) = (caller(), caller());
        let _hanging = (readers.permits(&one).await.unwrap(), readers.permits(&one).await.unwrap());
        let (other, in_memory) = tokio::join!(
            read(&readers, &two, written("other")),
            read(&readers, &one, sealed(b"in memory").unwrap()),
        );
        assert_eq!((other.as_deref(), in_memory.as_deref()), (Ok("other"), Ok("in memory")));
        let (own, ()) = tokio::join!(read(&readers, &one, written("third")), time_is_over(&clock));
        assert_eq!(own, Err(Error::busy()));
    }

    #[tokio::test]
    async fn a_descriptor_waits_while_too_many_are_read() {
        let (readers, clock) = readers();
        let mut hanging = Vec::new();
        for own in std::iter::repeat_with(caller).take(MAX_READS / DESCRIPTORS_PER_CALLER) {
            for _ in 0..DESCRIPTORS_PER_CALLER {
                hanging.push(readers.permits(&own).await.unwrap());
            }
        }
        let (file, other) = (File::open("/proc/self/comm").unwrap(), caller());
        let (refused, ()) = tokio::join!(read(&readers, &other, file), time_is_over(&clock));
        assert_eq!(refused, Err(Error::busy()));
        let released = async { drop(hanging.pop()) };
        let (secret, ()) = tokio::join!(read(&readers, &other, written("at last")), released);
        assert_eq!(secret.as_deref(), Ok("at last"));
    }

    #[tokio::test]
    async fn the_thread_ends_when_the_time_is_over_or_the_caller_leaves() {
        let (readers, clock) = readers();
        let (reader, _writer) = pipe().unwrap();
        let again = reader.try_clone().unwrap();
        let own = caller();
        let (late, ()) = tokio::join!(read(&readers, &own, reader), time_is_over(&clock));
        assert_eq!(late, Err(too_slow()));
        let leaves = clock.wait_for_sleeper(READ_TIMEOUT);
        tokio::select! {
            biased;
            _ = read(&readers, &own, again) => unreachable!(),
            () = leaves => {}
        }
        let all = u32::try_from(MAX_READS).unwrap();
        let _permits = readers.all.acquire_many(all).await.unwrap();
    }
}
