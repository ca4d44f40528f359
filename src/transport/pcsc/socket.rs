//! Waiting for the service: its socket appears, or some time passes.

use std::ffi::{OsStr, OsString};
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use rustix::io::Errno;

const DEFAULT_SOCKET: &str = "/run/pcscd/pcscd.comm";

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Woken {
    /// Something happened where the socket is or should be.
    Changed,
    /// The time is over.
    Elapsed,
    /// Somebody asked to stop.
    Interrupted,
}

/// Where libpcsclite looks for the service.
pub(super) fn path() -> PathBuf {
    std::env::var_os("PCSCLITE_CSOCK_NAME")
        .filter(|path| !path.is_empty())
        .map_or_else(|| PathBuf::from(DEFAULT_SOCKET), PathBuf::from)
}

/// A watch over the socket's folder or, where that doesn't exist, over the nearest one above it.
pub(super) struct Changes {
    /// Without it (no descriptors left) only time passes.
    inotify: Option<OwnedFd>,
    /// What has to appear in the watched folder.
    awaited: OsString,
}

impl Changes {
    /// Begins to watch; what happens from now on isn't missed.
    pub(super) fn of(socket: &Path) -> Self {
        let watched = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)
            .ok()
            .and_then(|inotify| watch_nearest(&inotify, socket).map(|awaited| (inotify, awaited)));
        match watched {
            Some((inotify, awaited)) => Self { inotify: Some(inotify), awaited },
            None => Self { inotify: None, awaited: OsString::new() },
        }
    }

    /// Waits for a change, at most for `timeout`, or until `interrupt` is readable.
    pub(super) fn wait(&self, timeout: Duration, interrupt: Option<BorrowedFd<'_>>) -> Woken {
        let deadline = Instant::now() + timeout;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let polled = [interrupt, self.inotify.as_ref().map(std::os::fd::AsFd::as_fd)];
            let mut polled: Vec<_> =
                polled.iter().flatten().map(|fd| PollFd::new(fd, PollFlags::IN)).collect();
            match poll(&mut polled, Timespec::try_from(left).ok().as_ref()) {
                Ok(0) => return Woken::Elapsed,
                Ok(_) | Err(Errno::INTR) => {}
                Err(_) => {
                    std::thread::sleep(left);
                    return Woken::Elapsed;
                }
            }
            if interrupt.is_some() && polled.first().is_some_and(|fd| !fd.revents().is_empty()) {
                return Woken::Interrupted;
            }
            if self.has_changed() {
                return Woken::Changed;
            }
        }
    }

    /// Reads all that was reported; other programs' files in the same folder don't count.
    fn has_changed(&self) -> bool {
        let Some(inotify) = &self.inotify else { return false };
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut events = inotify::Reader::new(inotify, &mut buffer);
        let mut changed = false;
        while let Ok(event) = events.next() {
            let folder_went =
                event.events().intersects(ReadFlags::DELETE_SELF | ReadFlags::MOVE_SELF | ReadFlags::IGNORED);
            let name = event.file_name().map(|name| OsStr::from_bytes(name.to_bytes()));
            changed |= folder_went || name == Some(&*self.awaited);
        }
        changed
    }
}

/// The name that has to appear in the folder that could be watched.
fn watch_nearest(inotify: &OwnedFd, socket: &Path) -> Option<OsString> {
    // The service binds, listens and then changes the mode: only after the last does it answer.
    let flags = WatchFlags::CREATE
        | WatchFlags::MOVED_TO
        | WatchFlags::ATTRIB
        | WatchFlags::DELETE_SELF
        | WatchFlags::MOVE_SELF
        | WatchFlags::ONLYDIR;
    let folder =
        socket.ancestors().skip(1).find(|folder| inotify::add_watch(inotify, *folder, flags).is_ok())?;
    let awaited = socket.strip_prefix(folder).ok()?.components().next()?;
    Some(awaited.as_os_str().to_owned())
}

/// Waiting times: 0.5 s, doubling to 30 s.
#[derive(Debug)]
pub(super) struct Backoff(Duration);

impl Backoff {
    const FIRST: Duration = Duration::from_millis(500);
    /// The longest time between two attempts.
    pub(super) const LONGEST: Duration = Duration::from_secs(30);

    pub(super) fn new() -> Self {
        Self(Self::FIRST)
    }

    pub(super) fn next(&mut self) -> Duration {
        let now = self.0;
        self.0 = (now * 2).min(Self::LONGEST);
        now
    }

    pub(super) fn reset(&mut self) {
        self.0 = Self::FIRST;
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::fd::AsFd;

    use rustix::event::{EventfdFlags, eventfd};

    use super::*;

    /// Longer than any test may take: reaching it is a failure.
    const NEVER: Duration = Duration::from_secs(600);

    fn folder() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("pcscd/pcscd.comm");
        (folder, socket)
    }

    #[test]
    fn the_socket_is_noticed() {
        let (folder, socket) = folder();
        fs::create_dir(folder.path().join("pcscd")).unwrap();
        let changes = Changes::of(&socket);
        fs::write(&socket, "").unwrap();
        assert_eq!(changes.wait(NEVER, None), Woken::Changed);
    }

    #[test]
    fn the_folder_is_noticed_when_there_is_none_yet() {
        let (folder, socket) = folder();
        let changes = Changes::of(&socket);
        fs::create_dir(folder.path().join("pcscd")).unwrap();
        assert_eq!(changes.wait(NEVER, None), Woken::Changed);
    }

    #[test]
    fn a_folder_that_goes_is_noticed() {
        let (folder, socket) = folder();
        fs::create_dir(folder.path().join("pcscd")).unwrap();
        let changes = Changes::of(&socket);
        fs::remove_dir(folder.path().join("pcscd")).unwrap();
        assert_eq!(changes.wait(NEVER, None), Woken::Changed);
    }

    #[test]
    fn other_files_are_of_no_matter() {
        let (folder, socket) = folder();
        let changes = Changes::of(&socket);
        fs::write(folder.path().join("pcscd.pid"), "").unwrap();
        assert_eq!(changes.wait(Duration::from_millis(1), None), Woken::Elapsed);
    }

    #[test]
    fn a_stop_interrupts() {
        let (_folder, socket) = folder();
        let stop = eventfd(1, EventfdFlags::CLOEXEC).unwrap();
        for changes in [Changes::of(&socket), Changes::of(Path::new("pcscd.comm"))] {
            assert_eq!(changes.wait(NEVER, Some(stop.as_fd())), Woken::Interrupted);
        }
    }

    #[test]
    fn waits_double_up_to_half_a_minute() {
        let mut backoff = Backoff::new();
        let waits: Vec<_> = (0..8).map(|_| backoff.next().as_millis()).collect();
        assert_eq!(waits, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
        backoff.reset();
        assert_eq!(backoff.next(), Backoff::FIRST);
    }
}
