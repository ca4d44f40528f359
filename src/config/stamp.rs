//! Whether files have changed since they were read, and whether they are complete.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

/// Device, inode, size, and the times of the last changes of content and metadata.
type Version = [i64; 7];

/// The files and folders of a reading: whether each exists, and which version of it. A change of permissions alone changes
/// the version, too.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    files: Vec<Option<Version>>,
    folders: Vec<Option<Version>>,
}

impl Stamp {
    /// The stamp of these files and of their folders, whose permissions count, too. May block.
    pub(super) fn of(files: &[&Path]) -> Self {
        let folders = files.iter().filter_map(|file| file.parent());
        Self {
            files: files.iter().map(|file| version(file)).collect(),
            folders: folders.map(version).collect(),
        }
    }

    /// Whether a file exists that does not exist in the other stamp of the same files.
    pub(super) fn has_more_than(&self, other: &Self) -> bool {
        self.files.iter().zip(&other.files).any(|(mine, other)| mine.is_some() && other.is_none())
    }

    /// Whether a file has changed after this Unix time. Each write and each renaming sets the time of the last change of
    /// the metadata, and no program can choose it.
    pub(super) fn has_changed_since(&self, unix: Duration) -> bool {
        self.files.iter().flatten().any(|[.., seconds, nanoseconds]| {
            let seconds = u64::try_from(*seconds).unwrap_or_default();
            let nanoseconds = u32::try_from(*nanoseconds).unwrap_or_default();
            Duration::new(seconds, nanoseconds) > unix
        })
    }
}

/// The version of a file, or that of a link that leads nowhere.
fn version(path: &Path) -> Option<Version> {
    let file = fs::metadata(path).or_else(|_| fs::symlink_metadata(path)).ok()?;
    let [device, inode, size] = [file.dev(), file.ino(), file.size()].map(u64::cast_signed);
    Some([device, inode, size, file.mtime(), file.mtime_nsec(), file.ctime(), file.ctime_nsec()])
}
