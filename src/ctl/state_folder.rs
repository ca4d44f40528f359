//! Whether the daemon can write its state.

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
    let sentence = fault_of(existing)?;
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
}
