//! Who may open a node: the access that this user has, and changes of it. For these there is no message of udev.

use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::fs::{Access, access};
use rustix::io::Errno;

/// Watches the permissions of nodes.
pub(super) struct Permissions(OwnedFd);

impl Permissions {
    pub(super) fn new() -> Result<Self, Errno> {
        Ok(Self(inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?))
    }

    /// Watches a node. Watching it again has no effect; the watch ends when the node is deleted.
    pub(super) fn watch(&self, node: &Path) {
        // An error means that the node is gone, or that no watch is left; a scan on request still sees its permissions.
        let _ = inotify::add_watch(&self.0, node, WatchFlags::ATTRIB);
    }

    /// Reads all pending events. Returns whether there were any.
    pub(super) fn have_changed(&self) -> bool {
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut events = inotify::Reader::new(&self.0, &mut buffer);
        let mut changed = false;
        loop {
            match events.next() {
                Ok(_) => changed = true,
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
    fn a_change_of_the_mode_is_noticed_once() {
        let folder = tempfile::tempdir().unwrap();
        let (node, other) = (folder.path().join("hidraw0"), folder.path().join("hidraw1"));
        fs::write(&node, "").unwrap();
        fs::write(&other, "").unwrap();
        let permissions = Permissions::new().unwrap();
        permissions.watch(&node);
        permissions.watch(&node);
        permissions.watch(&folder.path().join("missing"));
        fs::set_permissions(&other, Mode::from_mode(0o600)).unwrap();
        assert!(!permissions.have_changed());
        fs::set_permissions(&node, Mode::from_mode(0o660)).unwrap();
        assert!(permissions.have_changed());
        assert!(!permissions.have_changed());
    }

    #[test]
    fn a_missing_node_is_not_a_denied_one() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(is_denied(folder.path()), Some(false));
        assert_eq!(is_denied(&folder.path().join("missing")), None);
    }
}
