//! The files that the configuration comes from, and whether they have changed.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::entry::Entry;
use super::error::Error;
use super::load::{PolicyFile, load, shown};
use super::{Loaded, first};
use crate::xdg;

/// The system's folder.
const SYSTEM: &str = "/etc/oathbridge";

/// The user that owns the policy.
const ROOT: u32 = 0;

/// The files that the configuration comes from.
#[derive(Clone, Debug, Default)]
pub struct Files {
    /// The most important one first.
    places: Vec<PathBuf>,
    /// Whether they must exist.
    is_explicit: bool,
    policy: Option<PolicyFile>,
}

/// One reading of the files.
#[derive(Debug)]
pub struct Reading {
    /// The configuration.
    pub result: Result<Loaded, Error>,
    /// The files before they were read.
    stamp: Stamp,
}

/// Whether files exist, and which version of each: device, inode, size, and the times of the last changes of content and
/// metadata. A change of permissions alone changes the last one.
#[derive(Debug, PartialEq, Eq)]
struct Stamp(Vec<Option<[i64; 7]>>);

impl Files {
    /// `$XDG_CONFIG_HOME/oathbridge/config.toml` (`~/.config` if unset) over `/etc/oathbridge/config.toml`, restricted by
    /// `/etc/oathbridge/policy.toml`. `explicit`, which is `--config`, replaces the first two, but never the policy.
    pub fn standard(explicit: Option<PathBuf>) -> Self {
        let system = Path::new(SYSTEM);
        let files = match explicit {
            Some(path) => Self::only(path),
            None => {
                let user = xdg::config_home().map(|directory| directory.join("oathbridge/config.toml"));
                Self::over(user.into_iter().chain([system.join("config.toml")]))
            }
        };
        files.with_policy(system.join("policy.toml"), ROOT)
    }

    /// This file, which must exist, and no policy.
    pub fn only(path: PathBuf) -> Self {
        Self { places: vec![path], is_explicit: true, policy: None }
    }

    /// These files, as far as they exist, the most important one first, and no policy.
    pub fn over(places: impl IntoIterator<Item = PathBuf>) -> Self {
        Self { places: places.into_iter().collect(), is_explicit: false, policy: None }
    }

    /// Restricts the configuration by this policy, which only its owner may write; `owner` is a user id.
    #[must_use]
    pub fn with_policy(self, path: PathBuf, owner: u32) -> Self {
        Self { policy: Some(PolicyFile { path, owner }), ..self }
    }

    /// Reads the files. May block.
    pub fn read(&self) -> Reading {
        // Before the files, so that a later change is noticed.
        let stamp = self.stamp();
        let place = self.places.first().map_or(Path::new(SYSTEM), PathBuf::as_path);
        Reading { result: self.check().map_err(|errors| first(errors, place)), stamp }
    }

    /// Reads the files like [`Files::read`], and returns more than the first error. May block.
    ///
    /// # Errors
    ///
    /// All errors that could be found; at least one.
    pub fn check(&self) -> Result<Loaded, Vec<Error>> {
        load(&self.places, self.is_explicit, self.policy.as_ref())
    }

    /// Each key with its value and its file. May block.
    ///
    /// # Errors
    ///
    /// Those of [`Files::check`].
    pub fn entries(&self) -> Result<Vec<Entry>, Vec<Error>> {
        self.check()?;
        Ok(shown(&self.places, self.policy.as_ref()))
    }

    /// The policy, if there is one.
    pub fn policy(&self) -> Option<&Path> {
        self.policy.as_ref().map(|policy| policy.path.as_path()).filter(|path| path.exists())
    }

    /// Whether another reading may have another result. May block.
    pub fn may_differ_from(&self, reading: &Reading) -> bool {
        let names_another_file = reading.result.as_ref().is_err_and(Error::is_of_a_named_file);
        names_another_file || self.stamp() != reading.stamp
    }

    /// The files and the policy, the most important one first.
    fn paths(&self) -> impl Iterator<Item = &Path> {
        let policy = self.policy.iter().map(|policy| policy.path.as_path());
        policy.chain(self.places.iter().map(PathBuf::as_path))
    }

    fn stamp(&self) -> Stamp {
        // The permissions of the folders count, too.
        let folders = self.paths().filter_map(Path::parent);
        Stamp(self.paths().chain(folders).map(version).collect())
    }
}

fn version(path: &Path) -> Option<[i64; 7]> {
    let file = fs::metadata(path).ok()?;
    let [device, inode, size] = [file.dev(), file.ino(), file.size()].map(u64::cast_signed);
    Some([device, inode, size, file.mtime(), file.mtime_nsec(), file.ctime(), file.ctime_nsec()])
}
