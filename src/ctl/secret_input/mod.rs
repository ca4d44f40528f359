//! Reads secrets from standard input, a descriptor or the terminal into a sealed memfd for the daemon.
//!
//! Secrets never come from arguments, because every program of the user can read those.

mod terminal;

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};
use rustix::termios::isatty;
use zeroize::Zeroizing;

use super::Failure;
use crate::secret::sealed;

/// The maximum length of a secret, in bytes; the daemon has the same limit.
const MAX_SECRET_BYTES: usize = 64 * 1024;

/// The source of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// Standard input.
    Stdin,
    /// A descriptor that the caller opened, by its number.
    Descriptor(i32),
}

impl Source {
    /// The source that the options name, if any.
    pub(super) fn given(stdin: bool, descriptor: Option<i32>) -> Option<Self> {
        if stdin { Some(Self::Stdin) } else { descriptor.map(Self::Descriptor) }
    }

    /// Standard input, if it is a terminal.
    pub(super) fn terminal() -> Option<Self> {
        isatty(rustix::stdio::stdin()).then_some(Self::Stdin)
    }

    /// Reads the secret to its end. If the source is a terminal, asks for it without echo.
    ///
    /// # Errors
    ///
    /// The input is empty or too long, or reading fails.
    pub(super) fn read(self, name: &str) -> Result<OwnedFd, Failure> {
        match self {
            Self::Stdin => read(rustix::stdio::stdin(), name),
            Self::Descriptor(number) => read(duplicate(number)?.as_fd(), name),
        }
    }
}

fn read(fd: BorrowedFd<'_>, name: &str) -> Result<OwnedFd, Failure> {
    let secret = if isatty(fd) {
        terminal::ask(fd, name)?
    } else {
        read_all(fd).map_err(|error| Failure::failed(&format!("Reading the {name}"), error))?
    };
    if secret.iter().all(|byte| matches!(byte, b'\r' | b'\n')) {
        return Err(Failure::usage(format!("The input was empty; write the {name} to it.")));
    }
    if secret.len() > MAX_SECRET_BYTES {
        return Err(Failure::usage(format!("The input is longer than 64 KiB; write only the {name} to it.")));
    }
    sealed(&secret).map_err(|error| Failure::failed(&format!("Passing the {name} to the daemon"), error))
}

fn read_all(fd: BorrowedFd<'_>) -> io::Result<Zeroizing<Vec<u8>>> {
    // Full size from the start, because growing the buffer would leave copies in memory.
    let mut buffer = Zeroizing::new(vec![0; MAX_SECRET_BYTES + 1]);
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match rustix::io::read(fd, rest) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    buffer.truncate(filled);
    Ok(buffer)
}

/// Duplicates a descriptor that this process inherited.
fn duplicate(number: i32) -> Result<OwnedFd, Failure> {
    let own = || pidfd_getfd(pidfd_open(getpid(), PidfdFlags::empty())?, number, PidfdGetfdFlags::empty());
    match own() {
        // Kernels before 5.6 and some containers lack pidfd_getfd; opening the file again works except for sockets.
        Err(Errno::NOSYS | Errno::PERM) => std::fs::File::open(format!("/proc/self/fd/{number}"))
            .map(OwnedFd::from)
            .map_err(|_| not_open(number)),
        other => other.map_err(|_| not_open(number)),
    }
}

fn not_open(number: i32) -> Failure {
    Failure::usage(format!(
        "Descriptor {number} is not open for reading; open it, for example with {number}<FILE."
    ))
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Read;
    use std::os::fd::AsRawFd;

    use super::*;

    fn file(content: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        io::Write::write_all(&mut file, content).unwrap();
        io::Seek::rewind(&mut file).unwrap();
        file
    }

    #[test]
    fn a_descriptor_is_read_into_a_sealed_memfd() {
        let source = file(b"secret\n");
        let sealed = Source::Descriptor(source.as_raw_fd()).read("password").unwrap();
        assert!(rustix::io::write(&sealed, b"x").is_err());
        let mut text = String::new();
        let mut sealed = File::from(sealed);
        io::Seek::rewind(&mut sealed).unwrap();
        sealed.read_to_string(&mut text).unwrap();
        assert_eq!(text, "secret\n");
    }

    #[test]
    fn empty_and_too_long_secrets_are_refused_and_not_printed() {
        for content in [&b""[..], b"\r\n", &[b'x'; MAX_SECRET_BYTES + 1]] {
            let source = file(content);
            let failure = Source::Descriptor(source.as_raw_fd()).read("password").unwrap_err();
            assert_eq!(failure.code, super::super::exit::USAGE);
            assert!(!failure.text().contains("xxxxx"));
        }
        assert_eq!(Source::Descriptor(987_654).read("password").unwrap_err().code, super::super::exit::USAGE);
    }
}
