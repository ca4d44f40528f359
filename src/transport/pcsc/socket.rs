//! Waits for the start of the service: until its socket changes, or for some time.

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
    /// The path of the socket has changed.
    Changed,
    /// The timeout has passed.
    Elapsed,
    /// The interrupt descriptor is readable.
    Interrupted,
}

/// The path at which libpcsclite connects to the service.
pub(super) fn path() -> PathBuf {
    std::env::var_os("PCSCLITE_CSOCK_NAME")
        .filter(|path| !path.is_empty())
        .map_or_else(|| PathBuf::from(DEFAULT_SOCKET), PathBuf::from)
}

/// An inotify watch on the folder of the socket or, if that does not exist, on its nearest existing ancestor.
pub(super) struct Changes {
    /// `None` if no descriptor or watch was left; a wait then ends only by its timeout or the interrupt.
    inotify: Option<OwnedFd>,
    /// The name of the awaited file or folder in the watched folder.
    awaited: OsString,
}

impl Changes {
    /// Starts the watch. Later changes are kept until [`Changes::wait`].
    pub(super) fn of(socket: &Path) -> Self {
        let watched = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)
            .ok()
            .and_then(|inotify| watch_nearest(&inotify, socket).map(|awaited| (inotify, awaited)));
        match watched {
            Some((inotify, awaited)) => Self { inotify: Some(inotify), awaited },
            None => Self { inotify: None, awaited: OsString::new() },
        }
    }

    /// Waits for a change, for `timeout` at most, or until `interrupt` is readable.
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

    /// Reads all pending events. Events of other files in the same folder are no change.
    fn has_changed(&self) -> bool {
        let Some(inotify) = &self.inotify else { return false };
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut events = inotify::Reader::new(inotify, &mut buffer);
        let mut changed = false;
        while let Ok(event) = events.next() {
            let folder_is_gone =
                event.events().intersects(ReadFlags::DELETE_SELF | ReadFlags::MOVE_SELF | ReadFlags::IGNORED);
            let name = event.file_name().map(|name| OsStr::from_bytes(name.to_bytes()));
            changed |= folder_is_gone || name == Some(&*self.awaited);
        }
        changed
    }
}

/// Watches the nearest existing ancestor of the socket. Returns the name that is awaited in it.
fn watch_nearest(inotify: &OwnedFd, socket: &Path) -> Option<OsString> {
    // The service binds, listens and then changes the mode; it accepts connections only after that.
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

/// The pauses between attempts to connect: 0.5 s, doubled after each attempt up to 30 s.
#[derive(Debug)]
pub(super) struct Backoff(Duration);

impl Backoff {
    const FIRST_PAUSE: Duration = Duration::from_millis(500);
    pub(super) const MAX_PAUSE: Duration = Duration::from_secs(30);

    pub(super) fn new() -> Self {
        Self(Self::FIRST_PAUSE)
    }

    pub(super) fn next(&mut self) -> Duration {
        let now = self.0;
        self.0 = (now * 2).min(Self::MAX_PAUSE);
        now
    }

    pub(super) fn reset(&mut self) {
        self.0 = Self::FIRST_PAUSE;
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::fd::AsFd;

    use rustix::event::{EventfdFlags, eventfd};

    use super::*;

    /// A timeout that only a failing test reaches.
    const TEST_TIMEOUT: Duration = Duration::from_secs(600);

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
        assert_eq!(changes.wait(TEST_TIMEOUT, None), Woken::Changed);
    }

    #[test]
    fn creation_of_the_folder_is_noticed() {
        let (folder, socket) = folder();
        let changes = Changes::of(&socket);
        fs::create_dir(folder.path().join("pcscd")).unwrap();
        assert_eq!(changes.wait(TEST_TIMEOUT, None), Woken::Changed);
    }

    #[test]
    fn removal_of_the_folder_is_noticed() {
        let (folder, socket) = folder();
        fs::create_dir(folder.path().join("pcscd")).unwrap();
        let changes = Changes::of(&socket);
        fs::remove_dir(folder.path().join("pcscd")).unwrap();
        assert_eq!(changes.wait(TEST_TIMEOUT, None), Woken::Changed);
    }

    #[test]
    fn other_files_are_ignored() {
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
            assert_eq!(changes.wait(TEST_TIMEOUT, Some(stop.as_fd())), Woken::Interrupted);
        }
    }

    #[test]
    fn pauses_double_up_to_30_seconds() {
        let mut backoff = Backoff::new();
        let waits: Vec<_> = (0..8).map(|_| backoff.next().as_millis()).collect();
        assert_eq!(waits, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
        backoff.reset();
        assert_eq!(backoff.next(), Backoff::FIRST_PAUSE);
    }
}
