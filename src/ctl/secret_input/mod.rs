//! Reads secrets from standard input, a descriptor or the terminal into a sealed memfd for the daemon.
//!
//! Secrets never come from arguments, because every program of the user can read those.

mod terminal;

use std::fs::File;
use std::io::{self, Read, Seek};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};
use rustix::termios::isatty;
use serde::de::IgnoredAny;
use zeroize::Zeroizing;

use super::Failure;
use crate::secret::sealed;

/// The maximum length of a secret, in bytes; the daemon has the same limit.
const MAX_SECRET_BYTES: usize = 64 * 1024;

/// The last of the standard descriptors (stdin(3)).
const STANDARD_ERROR: i32 = 2;

/// The numbers of `/dev/null`, major and minor (Linux, admin-guide/devices).
const NULL_DEVICE: (u32, u32) = (1, 3);

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

    /// Reads the secret to its end, and closes a descriptor that has a number. If the source is a terminal, asks for one line
    /// of it without echo.
    ///
    /// # Errors
    ///
    /// The input is empty, too long or not text, or reading fails.
    pub(super) fn read(self, name: &str) -> Result<OwnedFd, Failure> {
        self.read_until(name, |_| true)
    }

    /// Like [`Source::read`], for JSON; on a terminal it may have several lines.
    pub(super) fn read_json(self, name: &str) -> Result<OwnedFd, Failure> {
        self.read_until(name, is_whole_json)
    }

    /// `is_whole` tells whether the lines from a terminal are all.
    fn read_until(self, name: &str, is_whole: fn(&[u8]) -> bool) -> Result<OwnedFd, Failure> {
        match self {
            Self::Stdin => read(rustix::stdio::stdin(), "Standard input", name, is_whole),
            Self::Descriptor(number) => {
                let own = duplicate(number)?;
                close(number);
                read(own.as_fd(), &format!("Descriptor {number}"), name, is_whole)
            }
        }
    }
}

fn read(
    fd: BorrowedFd<'_>,
    source: &str,
    name: &str,
    is_whole: fn(&[u8]) -> bool,
) -> Result<OwnedFd, Failure> {
    let secret = if isatty(fd) {
        terminal::ask(fd, name, is_whole)?
    } else {
        read_all(fd).map_err(|error| Failure::of_system(&format!("Reading the {name}"), &error))?
    };
    if secret.iter().all(|byte| matches!(byte, b'\r' | b'\n')) {
        let file = name.replace(' ', "-");
        return Err(Failure::usage(match source {
            "Standard input" => {
                format!("Standard input was empty; pipe the {name} in, for example with `< {file}.txt`.")
            }
            source => format!("{source} was empty; write the {name} to it."),
        }));
    }
    if secret.len() > MAX_SECRET_BYTES {
        return Err(Failure::usage(format!("{source} has more than 64 KiB; write only the {name} to it.")));
    }
    if std::str::from_utf8(&secret).is_err() {
        return Err(Failure::usage(format!("{source} is not UTF-8 text; write only the {name} to it.")));
    }
    sealed(&secret).map_err(|error| Failure::of_system(&format!("Passing the {name} to the daemon"), &error))
}

/// Whether a text is more than the beginning of a JSON value.
fn is_whole_json(text: &[u8]) -> bool {
    !serde_json::from_slice::<IgnoredAny>(text).is_err_and(|error| error.is_eof())
}

/// Checks that the descriptors are open, before this program opens its own ones, and that no two options name the same one:
/// the first reading closes it, and its number may then be that of another file.
///
/// # Errors
///
/// The caller has not opened one, or names it twice.
pub(super) fn check_descriptors(mut numbers: Vec<i32>) -> Result<(), Failure> {
    for number in &numbers {
        // Reading a link opens no descriptor, which could get the same number.
        std::fs::read_link(format!("/proc/self/fd/{number}")).map_err(|_| not_open(*number))?;
    }
    let count = numbers.len();
    numbers.sort_unstable();
    numbers.dedup();
    if numbers.len() < count {
        return Err(Failure::usage(
            "Two options name the same descriptor; use one descriptor for each secret.",
        ));
    }
    Ok(())
}

/// Checks that standard output was not closed: then the runtime of Rust opened /dev/null in its place, for reading too.
/// Shells open it for writing only. Python and Node open it for both, which looks the same as a closed one.
///
/// # Errors
///
/// The result would be lost; `what` names it.
pub(super) fn check_output(what: &str) -> Result<(), Failure> {
    let output = rustix::stdio::stdout();
    let is_null = rustix::fs::fstat(output).is_ok_and(|stat| {
        let device = (rustix::fs::major(stat.st_rdev), rustix::fs::minor(stat.st_rdev));
        rustix::fs::FileType::from_raw_mode(stat.st_mode).is_char_device() && device == NULL_DEVICE
    });
    let is_readable =
        rustix::fs::fcntl_getfl(output).is_ok_and(|flags| flags & OFlags::RWMODE == OFlags::RDWR);
    if is_null && is_readable {
        return Err(Failure::usage(format!(
            "Standard output is closed or /dev/null, so the {what} would be lost; open it, for example with `> FILE`."
        )));
    }
    Ok(())
}

/// The text in a memfd, from its start.
pub(super) fn text(fd: OwnedFd) -> Result<Zeroizing<String>, Failure> {
    let mut file = File::from(fd);
    let mut text = Zeroizing::new(String::new());
    file.rewind()
        .and_then(|()| file.read_to_string(&mut text))
        .map_err(|error| Failure::of_system("Reading the descriptor", &error))?;
    Ok(text)
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
        Err(Errno::NOSYS | Errno::PERM) => {
            File::open(format!("/proc/self/fd/{number}")).map(OwnedFd::from).map_err(|_| not_open(number))
        }
        other => other.map_err(|_| not_open(number)),
    }
}

/// Closes a descriptor of the caller, so that no program that this one starts inherits it. The standard ones stay: another
/// file would get their number.
fn close(number: i32) {
    if number > STANDARD_ERROR {
        // It was open a moment ago; a failure would leave it as it is.
        let _ = nix::unistd::close(number);
    }
}

fn not_open(number: i32) -> Failure {
    Failure::usage(format!(
        "Descriptor {number} is not open for reading; open it, for example with {number}<FILE."
    ))
}

#[cfg(test)]
mod tests {
    use std::os::fd::IntoRawFd;

    use super::*;

    fn file(content: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        io::Write::write_all(&mut file, content).unwrap();
        file.rewind().unwrap();
        file
    }

    #[test]
    fn a_descriptor_is_read_into_a_sealed_memfd() {
        let source = file(b"secret\n");
        let sealed = Source::Descriptor(source.into_raw_fd()).read("password").unwrap();
        assert!(rustix::io::write(&sealed, b"x").is_err());
        let mut text = String::new();
        let mut sealed = File::from(sealed);
        sealed.rewind().unwrap();
        sealed.read_to_string(&mut text).unwrap();
        assert_eq!(text, "secret\n");
    }

    #[test]
    fn json_goes_on_until_it_is_whole() {
        for (text, is_whole) in
            [("", false), ("{\"a\":\n", false), ("{\"a\": 1}\n", true), ("nonsense", true)]
        {
            assert_eq!(is_whole_json(text.as_bytes()), is_whole, "{text}");
        }
    }

    #[test]
    fn empty_and_too_long_secrets_are_refused_and_not_printed() {
        for content in [&b""[..], b"\r\n", b"\xff", &[b'x'; MAX_SECRET_BYTES + 1]] {
            let source = file(content);
            let failure = Source::Descriptor(source.into_raw_fd()).read("password").unwrap_err();
            assert_eq!(failure.code, super::super::exit::USAGE);
            assert!(!failure.text().contains("xxxxx"));
        }
        assert_eq!(Source::Descriptor(987_654).read("password").unwrap_err().code, super::super::exit::USAGE);
    }
}
