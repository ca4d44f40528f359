//! The users that may open a node: whether this user may, and changes of that. There is no message of udev for them.

use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use rustix::fs::{Access, access};
use rustix::io::Errno;

/// The start of the names of HID nodes.
const NODE: &[u8] = b"hidraw";

/// Watches the permissions of all nodes. The folder is watched, because a node can be watched only by a user that may read it.
pub(super) struct Permissions(OwnedFd);

impl Permissions {
    /// Starts the watch of the nodes in this folder.
    pub(super) fn watch(folder: &Path) -> Result<Self, Errno> {
        let inotify = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        inotify::add_watch(&inotify, folder, WatchFlags::ATTRIB | WatchFlags::ONLYDIR)?;
        Ok(Self(inotify))
    }

    /// Reads all pending events. Returns whether one of them is about a HID node.
    pub(super) fn have_changed(&self) -> bool {
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut events = inotify::Reader::new(&self.0, &mut buffer);
        let mut changed = false;
        loop {
            match events.next() {
                Ok(event) => {
                    let is_node = event.file_name().is_some_and(|name| name.to_bytes().starts_with(NODE));
                    // After an overflow, events are missing.
                    changed |= is_node || event.events().contains(ReadFlags::QUEUE_OVERFLOW);
                }
                Err(Errno::INTR) => {}
                Err(_) => return changed,
            }
        }
    }
}

impl AsFd for Permissions {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Whether this user may open the node for reading and writing; `None` if there is no such node.
pub(super) fn is_denied(node: &Path) -> Option<bool> {
    match access(node, Access::READ_OK | Access::WRITE_OK) {
        Ok(()) => Some(false),
        Err(Errno::ACCESS | Errno::PERM) => Some(true),
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions as Mode};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_change_of_the_mode_of_a_node_is_noticed_once() {
        let folder = tempfile::tempdir().unwrap();
        let (node, other) = (folder.path().join("hidraw0"), folder.path().join("tty0"));
        fs::write(&node, "").unwrap();
        fs::write(&other, "").unwrap();
        let permissions = Permissions::watch(folder.path()).unwrap();
        fs::set_permissions(&other, Mode::from_mode(0o600)).unwrap();
        assert!(!permissions.have_changed());
        fs::set_permissions(&node, Mode::from_mode(0o000)).unwrap();
        assert!(permissions.have_changed());
        assert!(!permissions.have_changed());
        assert!(Permissions::watch(&node).is_err(), "not a folder");
    }

    #[test]
    fn a_missing_node_is_not_a_denied_one() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(is_denied(folder.path()), Some(false));
        assert_eq!(is_denied(&folder.path().join("missing")), None);
    }
}
