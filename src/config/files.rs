//! The files that the configuration comes from, and whether they have changed.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::entry::{Entry, derive};
use super::error::Error;
use super::load::{PolicyFile, load, load_with, place_of_profile, shown};
use super::stamp::Stamp;
use super::{Loaded, first};
use crate::xdg;

/// The system's folder.
const SYSTEM: &str = "/etc/oathbridge";

/// The time without a change after which a file counts as complete.
const QUIET_TIME: Duration = Duration::from_secs(2);

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
    /// The file that the faulty key names, at the end of the reading.
    named: Option<Stamp>,
    /// Whether no file changed during the reading.
    is_stable: bool,
}

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
        let result = self.check().map_err(|errors| first(errors, place));
        let named = result.as_ref().err().and_then(Error::named_file).map(|file| Stamp::of(&[file]));
        let is_stable = stamp == self.stamp();
        Reading { result, stamp, named, is_stable }
    }

    /// Reads the files again after a reading that failed, if one has changed since. May block. `now` is the Unix time.
    ///
    /// An editor may empty or remove a file before it writes it, and the rest of a file may be valid. So `None` also while
    /// a file has changed within the last two seconds or during the reading, or if a file is missing that existed or that
    /// is at fault.
    pub fn reread(&self, failed: &Reading, now: Duration) -> Option<Reading> {
        let stamp = self.stamp();
        let faulty = failed.result.as_ref().err();
        let named = faulty.and_then(Error::named_file).map(|file| Stamp::of(&[file]));
        if stamp == failed.stamp && named == failed.named {
            return None;
        }
        let is_missing = faulty.is_some_and(|error| error.file().symlink_metadata().is_err());
        let quiet_since = now.saturating_sub(QUIET_TIME);
        let is_quiet = |stamp: &Stamp| !stamp.has_changed_since(quiet_since);
        if is_missing
            || failed.stamp.has_more_than(&stamp)
            || !is_quiet(&stamp)
            || !named.iter().all(is_quiet)
        {
            return None;
        }
        let reading = self.read();
        (reading.is_stable && reading.stamp == stamp).then_some(reading)
    }

    /// Reads the files like [`Files::read`], and returns more than the first error. May block.
    ///
    /// # Errors
    ///
    /// All errors that could be found; at least one.
    pub fn check(&self) -> Result<Loaded, Vec<Error>> {
        load(&self.places, self.is_explicit, self.policy.as_ref())
    }

    /// Checks this text in the place of the most important file, before it is written there. May block.
    ///
    /// # Errors
    ///
    /// Those of [`Files::check`].
    pub fn check_with(&self, text: &str) -> Result<Loaded, Vec<Error>> {
        load_with(text, &self.places, self.policy.as_ref())
    }

    /// The place of this profile, as `FILE:LINE`, if one of the files has it. May block.
    ///
    /// # Errors
    ///
    /// The files that are not usable or not TOML; other errors of their content are none here.
    pub fn place_of_profile(&self, name: &str) -> Result<Option<String>, Vec<Error>> {
        place_of_profile(name, &self.places)
    }

    /// The files, the most important one first, without the policy. They need not exist.
    pub fn places(&self) -> &[PathBuf] {
        &self.places
    }

    /// Each key with its value and its file. May block.
    ///
    /// # Errors
    ///
    /// Those of [`Files::check`].
    pub fn entries(&self) -> Result<Vec<Entry>, Vec<Error>> {
        let limits = self.check()?.config.limits;
        let mut entries = shown(&self.places, self.policy.as_ref());
        derive(&mut entries, &limits);
        Ok(entries)
    }

    /// The policy, if there is one.
    pub fn policy(&self) -> Option<&Path> {
        self.policy.as_ref().map(|policy| policy.path.as_path()).filter(|path| path.exists())
    }

    /// The files and the policy, the most important one first.
    fn paths(&self) -> impl Iterator<Item = &Path> {
        let policy = self.policy.iter().map(|policy| policy.path.as_path());
        policy.chain(self.places.iter().map(PathBuf::as_path))
    }

    fn stamp(&self) -> Stamp {
        Stamp::of(&self.paths().collect::<Vec<_>>())
    }
}
