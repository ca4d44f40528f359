//! Reads one descriptor of a caller to its end. Pipes and sockets are read without blocking, whatever their callers set, so
//! that the thread ends when the time is over.

use std::io::{self, ErrorKind, Read};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, Mode, OFlags, fcntl_getfl, fstat, open};
use rustix::io::{Errno, pread, read as read_once};
use rustix::net::{RecvFlags, recv};
use zeroize::Zeroizing;

use crate::dbus::error::Error;
use crate::secret::read_to_end;

/// The maximum length of a secret, longer than any access token or password.
const MAX_SECRET_BYTES: usize = 64 * 1024;

/// The pause before a descriptor is looked at again that was ready and had nothing.
const PAUSE: Timespec = Timespec { tv_sec: 0, tv_nsec: 10_000_000 };

/// Reads everything; a pipe or socket until `end` has no writer.
///
/// # Errors
///
/// `InvalidArgs`, as for [`Readers::read`](super::Readers::read).
pub(super) fn read_all(fd: BorrowedFd<'_>, end: &OwnedFd) -> Result<Zeroizing<Vec<u8>>, Error> {
    let stat = fstat(fd).map_err(|_| unreadable())?;
    let flags = fcntl_getfl(fd).map_err(|_| unreadable())?;
    // poll(2) would wait for data on the writing end of a pipe.
    if flags.intersection(OFlags::ACCMODE) == OFlags::WRONLY {
        return Err(unreadable());
    }
    let read = match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => read_to_end(FromStart { fd, offset: 0 }, MAX_SECRET_BYTES),
        FileType::Fifo => {
            let fd = reopened(fd).map_err(|_| unreadable())?;
            let read = |buffer: &mut [u8]| read_once(&fd, buffer);
            read_to_end(Stream { fd: fd.as_fd(), end, read }, MAX_SECRET_BYTES)
        }
        FileType::Socket => {
            let read = |buffer: &mut [u8]| recv(fd, buffer, RecvFlags::DONTWAIT).map(|(count, _)| count);
            read_to_end(Stream { fd, end, read }, MAX_SECRET_BYTES)
        }
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

/// The same pipe without blocking. Setting `O_NONBLOCK` on the caller's descriptor would change the caller's end too.
fn reopened(fd: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let path = format!("/proc/self/fd/{}", fd.as_raw_fd());
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    Ok(open(path, flags, Mode::empty())?)
}

/// A file, read from its start whatever its offset.
struct FromStart<'a> {
    fd: BorrowedFd<'a>,
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
struct Stream<'a, R> {
    fd: BorrowedFd<'a>,
    end: &'a OwnedFd,
    /// Reads without blocking.
    read: R,
}

impl<R: FnMut(&mut [u8]) -> Result<usize, Errno>> Read for Stream<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut pause = None;
        loop {
            // It is read first, because a reopened FIFO without a writer never becomes ready (fifo(7)).
            match (self.read)(&mut *buffer) {
                Err(Errno::AGAIN) => self.wait(pause)?,
                read => return Ok(read?),
            }
            pause = Some(PAUSE);
        }
    }
}

impl<R> Stream<'_, R> {
    /// Waits until there is data, at least for the pause.
    fn wait(&self, pause: Option<Timespec>) -> io::Result<()> {
        if pause.is_some() {
            self.poll(PollFlags::empty(), pause)?;
        }
        self.poll(PollFlags::IN, None)
    }

    fn poll(&self, events: PollFlags, time: Option<Timespec>) -> io::Result<()> {
        let end = PollFd::from_borrowed_fd(self.end.as_fd(), PollFlags::empty());
        let mut polled = vec![end];
        if !events.is_empty() {
            polled.push(PollFd::from_borrowed_fd(self.fd, events));
        }
        poll(&mut polled, time.as_ref())?;
        match polled.first().is_some_and(|end| !end.revents().is_empty()) {
            true => Err(ErrorKind::TimedOut.into()),
            false => Ok(()),
        }
    }
}

/// The descriptor has no end within the time.
pub(super) fn too_slow() -> Error {
    Error::invalid("The file descriptor was not written and closed within 2 seconds; close its writing end")
}

fn unreadable() -> Error {
    Error::invalid("The file descriptor is not readable; open it for reading and pass it again")
}

#[cfg(test)]
mod tests {
    use std::io::{Write, pipe};
    use std::os::unix::net::UnixStream;

    use rustix::fs::{CWD, mknodat};
    use rustix::net::{SendFlags, send};

    use super::*;

    /// A pipe whose writer is already closed, so that no descriptor is waited for.
    fn over() -> OwnedFd {
        pipe().unwrap().0.into()
    }

    fn read(fd: impl AsFd, end: &OwnedFd) -> Result<Vec<u8>, Error> {
        read_all(fd.as_fd(), end).map(|mut bytes| std::mem::take(&mut *bytes))
    }

    /// Data out of band makes a socket ready, although nothing can be read. Read with blocking, the test would hang.
    #[test]
    fn a_socket_that_is_ready_and_has_nothing_ends_with_the_time() {
        let (socket, peer) = UnixStream::pair().unwrap();
        send(&peer, b"!", SendFlags::OOB).unwrap();
        assert_eq!(read(&socket, &over()), Err(too_slow()));
    }

    #[test]
    fn a_pipe_is_read_without_blocking_and_its_writer_sees_no_change() {
        let (reader, mut writer) = pipe().unwrap();
        let mut buffer = [0; 8];
        assert_eq!(read_once(reopened(reader.as_fd()).unwrap(), &mut buffer), Err(Errno::AGAIN));
        assert!(!fcntl_getfl(&reader).unwrap().contains(OFlags::NONBLOCK));
        writer.write_all(b"secret\n").unwrap();
        assert_eq!(read(&reader, &over()), Err(too_slow()), "the writer has not closed it");
        drop(writer);
        assert_eq!(read(&reader, &over()), Ok(Vec::new()));
    }

    #[test]
    fn a_named_pipe_whose_writer_has_left_is_read_to_its_end() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("fifo");
        mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        let reader = open(&path, OFlags::RDONLY | OFlags::NONBLOCK, Mode::empty()).unwrap();
        std::fs::OpenOptions::new().write(true).open(&path).unwrap().write_all(b"secret").unwrap();
        let (end, _time) = pipe().unwrap();
        assert_eq!(read(&reader, &end.into()), Ok(b"secret".to_vec()));
    }
}
