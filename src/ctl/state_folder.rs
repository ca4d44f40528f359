//! Whether the daemon can write its state.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

use crate::state_file;

/// The state folder if it is not usable, and the reason as a sentence.
pub(super) fn fault() -> Option<(Option<PathBuf>, String)> {
    let Some(folder) = state_file::directory() else {
        return Some((
            None,
            "There is no state folder; set HOME or XDG_STATE_HOME to an absolute path.".to_owned(),
        ));
    };
    // The daemon creates what is missing.
    let existing = folder.ancestors().find(|path| path.symlink_metadata().is_ok())?;
    let sentence = fault_of(existing).or_else(|| (existing == folder).then(|| distrust(existing))?)?;
    Some((Some(folder), sentence))
}

fn fault_of(folder: &Path) -> Option<String> {
    let place = folder.display();
    if !folder.is_dir() {
        return Some(format!(
            "{place} is in the place of the state folder; move it away, so that codes can be submitted."
        ));
    }
    let is_writable = access(folder, Access::WRITE_OK | Access::EXEC_OK).is_ok();
    (!is_writable).then(|| {
        format!("The state folder {place} is not writable; make it yours, so that codes can be submitted.")
    })
}

/// The reason why the daemon does not trust an existing state folder.
fn distrust(folder: &Path) -> Option<String> {
    let facts = folder.metadata().ok()?;
    let place = folder.display();
    if facts.uid() != rustix::process::geteuid().as_raw() {
        return Some(format!(
            "The state folder {place} belongs to another user; make it yours, so that codes can be submitted."
        ));
    }
    (facts.mode() & 0o022 != 0).then(|| {
        format!(
            "Other users can write to the state folder {place}; run chmod 700 on it, so that codes can be submitted."
        )
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_folder_that_can_be_written_has_no_fault_and_a_file_has_one() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(fault_of(folder.path()), None);
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert!(fault_of(&file).unwrap().contains("move it away"));
        let closed = folder.path().join("closed");
        std::fs::create_dir(&closed).unwrap();
        std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o500)).unwrap();
        // Permissions do not bind root.
        let is_bound = !rustix::process::geteuid().is_root();
        assert_eq!(fault_of(&closed).is_some_and(|fault| fault.contains("not writable")), is_bound);
    }

    #[test]
    fn a_folder_that_others_can_write_to_or_own_has_a_fault() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(distrust(folder.path()), None);
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o770)).unwrap();
        assert!(distrust(folder.path()).unwrap().contains("chmod 700"));
        // A folder of root, or of another user if root runs this.
        let foreign = if rustix::process::geteuid().is_root() {
            std::os::unix::fs::chown(folder.path(), Some(12_345), None).unwrap();
            folder.path()
        } else {
            Path::new("/")
        };
        assert!(distrust(foreign).unwrap().contains("another user"));
    }
}
