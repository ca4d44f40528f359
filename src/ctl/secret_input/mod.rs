//! Secrets from standard input, a descriptor or a person, into a sealed memory file for the daemon.
//!
//! Never from an argument: those can be read by every program of the user.

mod terminal;

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};
use rustix::termios::isatty;
use zeroize::Zeroizing;

use super::Failure;
use crate::secret::sealed;

/// The daemon reads no more.
const LIMIT: usize = 64 * 1024;

/// Where a secret comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// Standard input.
    Stdin,
    /// A descriptor that the caller opened, by its number.
    Descriptor(i32),
}

impl Source {
    /// What the options say, if they say anything.
    pub(super) fn given(stdin: bool, descriptor: Option<i32>) -> Option<Self> {
        if stdin { Some(Self::Stdin) } else { descriptor.map(Self::Descriptor) }
    }

    /// Standard input, if there is a person to ask.
    pub(super) fn person() -> Option<Self> {
        isatty(rustix::stdio::stdin()).then_some(Self::Stdin)
    }

    /// Reads the secret to its end, or asks for it without echo where the source is a terminal.
    ///
    /// # Errors
    ///
    /// When there is nothing to read, or too much.
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
        return Err(Failure::usage(format!("There was no {name} to read; write it to what is read from.")));
    }
    if secret.len() > LIMIT {
        return Err(Failure::usage(format!(
            "What was read is longer than 64 KiB; write nothing but the {name}."
        )));
    }
    sealed(&secret).map_err(|error| Failure::failed(&format!("Passing on the {name}"), error))
}

fn read_all(fd: BorrowedFd<'_>) -> io::Result<Zeroizing<Vec<u8>>> {
    // Full size from the start: growing would leave copies behind.
    let mut buffer = Zeroizing::new(vec![0; LIMIT + 1]);
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

/// The number names a descriptor that this process got from its parent.
fn duplicate(number: i32) -> Result<OwnedFd, Failure> {
    let own = || pidfd_getfd(pidfd_open(getpid(), PidfdFlags::empty())?, number, PidfdGetfdFlags::empty());
    match own() {
        // Kernels before 5.6 and some containers don't have it; opening again does for all but sockets.
        Err(Errno::NOSYS | Errno::PERM) => std::fs::File::open(format!("/proc/self/fd/{number}"))
            .map(OwnedFd::from)
            .map_err(|_| not_open(number)),
        other => other.map_err(|_| not_open(number)),
    }
}

fn not_open(number: i32) -> Failure {
    Failure::usage(format!("Descriptor {number} can't be read; open it, for example with {number}<FILE."))
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
    fn a_descriptor_is_read_into_a_file_that_is_sealed() {
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
    fn nothing_and_too_much_are_refused_without_repeating_it() {
        for content in [&b""[..], b"\r\n", &[b'x'; LIMIT + 1]] {
            let source = file(content);
            let failure = Source::Descriptor(source.as_raw_fd()).read("password").unwrap_err();
            assert_eq!(failure.code, super::super::exit::USAGE);
            assert!(!failure.text().contains("xxxxx"));
        }
        assert_eq!(Source::Descriptor(987_654).read("password").unwrap_err().code, super::super::exit::USAGE);
    }
}
