//! What the kernel says of a node apart from its reports: its lock, and whether it and its USB device are still there.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::io::Errno;

use crate::transport::hid::sysfs::Place;

/// The state of an open node, and the clock for its deadlines.
pub(in crate::transport::hid) trait Watch: Send {
    /// Whether the kernel removes the node within `timeout`. When a key is unplugged, an exchange may fail before that.
    fn is_gone(&self, timeout: Duration) -> bool;

    /// Whether the USB device of the node is still plugged in.
    fn has_parent(&self) -> bool;

    /// Takes the lock, unless another program holds it ([`Errno::WOULDBLOCK`]).
    fn try_lock(&self) -> Result<(), Errno>;

    /// Releases the lock, if it is held.
    fn unlock(&self);

    /// The time now.
    fn now(&self) -> Instant;

    /// Waits for `duration`.
    fn pause(&self, duration: Duration);
}

/// A second descriptor of a node, for its lock and to notice that it is gone, because hidapi does not show its own descriptor.
pub(in crate::transport::hid) struct Watched {
    node: File,
    parent: Place,
}

impl Watched {
    /// Opens the node of the USB device `parent`.
    pub(super) fn open(path: &Path, parent: Place) -> io::Result<Self> {
        let flags = (OFlags::NONBLOCK | OFlags::NOFOLLOW).bits().cast_signed();
        let node = OpenOptions::new().read(true).write(true).custom_flags(flags).open(path)?;
        Ok(Self { node, parent })
    }
}

impl Watch for Watched {
    fn is_gone(&self, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let mut polled = [PollFd::new(&self.node, PollFlags::empty())];
            match poll(&mut polled, Timespec::try_from(left).ok().as_ref()) {
                Err(Errno::INTR) => {}
                result => return result.is_ok_and(|ready| ready > 0),
            }
        }
    }

    fn has_parent(&self) -> bool {
        self.parent.is_present()
    }

    fn try_lock(&self) -> Result<(), Errno> {
        flock(&self.node, FlockOperation::NonBlockingLockExclusive)
    }

    fn unlock(&self) {
        // An error means that the descriptor has no lock.
        let _ = flock(&self.node, FlockOperation::Unlock);
    }

    fn now(&self) -> Instant {
        Instant::now()
    }

    fn pause(&self, duration: Duration) {
        thread::sleep(duration);
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::OwnedFd;

    use super::*;

    /// The end of a pipe whose other end is closed is polled like a node without a device.
    #[test]
    fn a_node_is_gone_as_soon_as_the_kernel_has_removed_it() {
        let (node, device) = io::pipe().unwrap();
        let parent = Place::of(Path::new("/")).unwrap();
        let watched = Watched { node: OwnedFd::from(node).into(), parent };
        assert!(!watched.is_gone(Duration::from_millis(1)), "it is still there");
        let removal = thread::spawn(move || {
            thread::sleep(Duration::from_millis(50));
            drop(device);
        });
        assert!(watched.is_gone(Duration::from_secs(60)));
        removal.join().unwrap();
        assert!(watched.is_gone(Duration::ZERO), "it is gone for good");
    }

    #[test]
    fn the_lock_is_that_of_the_file_and_the_parent_that_of_the_insertion() {
        let folder = tempfile::tempdir().unwrap();
        let (path, usb) = (folder.path().join("hidraw0"), folder.path().join("1-1"));
        assert!(Watched::open(&path, Place::of(folder.path()).unwrap()).is_err(), "there is no node");
        File::create(&path).unwrap();
        std::fs::create_dir(&usb).unwrap();
        let open = || Watched::open(&path, Place::of(&usb).unwrap()).unwrap();
        let (ours, other) = (open(), open());
        other.try_lock().unwrap();
        assert_eq!(ours.try_lock(), Err(Errno::WOULDBLOCK));
        ours.unlock();
        assert_eq!(ours.try_lock(), Err(Errno::WOULDBLOCK), "the lock of the other program stays");
        other.unlock();
        ours.try_lock().unwrap();
        assert_eq!(other.try_lock(), Err(Errno::WOULDBLOCK));
        drop(ours);
        other.try_lock().unwrap();
        assert!(other.has_parent());
        std::fs::rename(&usb, folder.path().join("gone")).unwrap();
        assert!(!other.has_parent());
        std::fs::create_dir(&usb).unwrap();
        assert!(!other.has_parent(), "another folder of the same name");
    }
}
