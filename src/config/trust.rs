//! The trust checks of a file of the configuration.

use std::fs::{File, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::unistd::{Group, User, geteuid};

use super::error::{Error, Problem};
use crate::regular_file::{self, open_regular_file, read_at_most};

const MAX_FILE_BYTES: u64 = 1 << 20;

/// The text of a file that only the user or root can write.
pub(super) fn read(path: &Path) -> Result<String, Error> {
    read_if(path, untrusted)
}

/// The text of a policy, which nobody but its owner can write or replace. The owner is root, except in tests.
pub(super) fn read_policy(path: &Path, owner: u32) -> Result<String, Error> {
    let is_safe = |metadata: &Metadata| is_of(metadata, &[owner]) && metadata.mode() & 0o022 == 0;
    read_if(path, |file| {
        let folder = path.parent().map(Path::metadata).transpose()?;
        let are_safe = is_safe(&file.metadata()?) && folder.is_none_or(|folder| is_safe(&folder));
        Ok((!are_safe).then_some(Problem::PolicyNotOfRoot))
    })
}

fn read_if(
    path: &Path,
    untrusted: impl FnOnce(&File) -> Result<Option<Problem>, regular_file::Error>,
) -> Result<String, Error> {
    let failed = |problem| Error::of_file(path, problem);
    let unusable = |error| failed(Problem::File(error));
    let file = open_regular_file(path).map_err(unusable);
    let file = file.map_err(|error| match error.is_not_found() && dangles(path) {
        true => failed(Problem::Dangling),
        false => error,
    })?;
    if let Some(problem) = untrusted(&file).map_err(unusable)? {
        return Err(failed(problem));
    }
    let bytes = read_at_most(file, MAX_FILE_BYTES).map_err(unusable)?;
    String::from_utf8(bytes).map_err(|_| unusable(regular_file::Error::NotText))
}

/// Whether the path, or one of the folders above it, is a link that leads nowhere.
fn dangles(path: &Path) -> bool {
    let is_link = |path: &Path| path.symlink_metadata().is_ok_and(|file| file.is_symlink());
    path.ancestors().any(|path| is_link(path) && path.metadata().is_err())
}

fn untrusted(file: &File) -> Result<Option<Problem>, regular_file::Error> {
    let metadata = file.metadata()?;
    Ok(if !is_of(&metadata, &[0, rustix::process::geteuid().as_raw()]) {
        Some(Problem::ForeignOwner)
    } else if is_writable_by_others(metadata.mode(), metadata.gid(), private_group) {
        Some(Problem::WritableByOthers)
    } else {
        None
    })
}

/// Whether users may write a file of this mode and group who are not its owner. The members of a private group are the user
/// alone, and where users have such groups, files are usually made for it (umask 002, as in Debian 13).
fn is_writable_by_others(mode: u32, group: u32, private_group: impl FnOnce() -> Option<u32>) -> bool {
    mode & 0o002 != 0 || (mode & 0o020 != 0 && private_group() != Some(group))
}

/// The group of this user, if it is private by the rule of pam_umask(8): it has the user's number and name. It must also
/// have no other member.
fn private_group() -> Option<u32> {
    let user = User::from_uid(geteuid()).ok().flatten()?;
    let group = Group::from_gid(user.gid).ok().flatten()?;
    let is_private = user.uid.as_raw() == group.gid.as_raw() && user.name == group.name;
    let is_alone = group.mem.iter().all(|member| *member == user.name);
    (!user.uid.is_root() && is_private && is_alone).then(|| group.gid.as_raw())
}

fn is_of(metadata: &Metadata, owners: &[u32]) -> bool {
    owners.contains(&metadata.uid())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_private_group_may_write() {
        let own = || Some(1000);
        assert!(!is_writable_by_others(0o100_664, 1000, own));
        assert!(is_writable_by_others(0o100_664, 1001, own), "another group");
        assert!(is_writable_by_others(0o100_664, 1000, || None), "no private group");
        assert!(is_writable_by_others(0o100_666, 1000, own), "everybody");
        assert!(!is_writable_by_others(0o100_644, 1001, || None));
    }
}
