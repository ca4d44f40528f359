//! A second copy of the steps of the last three minutes, in the user's runtime folder.
//!
//! It shows that there was a record when the record's own folder is removed, and restores the last steps when an old
//! record replaces the current one. A server accepts the code of no step that is older.

use serde::{Deserialize, Serialize};

use super::now::Now;
use crate::otp::Step;
use crate::state_file::{Content, Error, StateFile};
use std::path::PathBuf;

/// The time for which a step is kept, in seconds.
const KEPT_SECONDS: u64 = 180;

/// The maximum number of kept steps; the quotas allow far fewer in that time.
const MAX_STEPS: usize = 1_024;

/// The steps of the last three minutes.
#[derive(Debug)]
pub(super) struct RecentSteps {
    /// `None` without a runtime folder.
    file: Option<StateFile>,
}

/// A step that was recorded at `at`, in Unix seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RecentStep {
    pub(super) credential: String,
    step: u64,
    at: u64,
}

impl RecentStep {
    pub(super) fn step(&self) -> Step {
        Step(self.step)
    }

    fn is_of(&self, credential: &str, step: Step) -> bool {
        self.credential == credential && self.step == step.0
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Steps {
    steps: Vec<RecentStep>,
    /// Whether this is the content of a file; the file of a record without steps shows as well that there is one.
    #[serde(skip, default = "yes")]
    is_stored: bool,
}

fn yes() -> bool {
    true
}

impl Content for Steps {}

impl RecentSteps {
    /// The copy `guard` in this folder.
    pub(super) fn new(folder: Option<PathBuf>) -> Self {
        Self { file: folder.map(|folder| StateFile::bare(folder, "guard")) }
    }

    /// Whether there is a copy, readable or not.
    pub(super) fn exists(&self) -> bool {
        self.file.as_ref().is_some_and(|file| file.path().symlink_metadata().is_ok())
    }

    /// The kept steps; none if the copy is not readable, because the record itself decides.
    pub(super) fn read(&self) -> Vec<RecentStep> {
        let steps = self.file.as_ref().map(StateFile::read::<Steps>);
        steps.and_then(Result::ok).unwrap_or_default().steps
    }

    /// Creates the copy, if there is none.
    pub(super) fn create(&self) {
        self.change(|_| {});
    }

    /// Adds a step, and removes those that are no longer needed.
    pub(super) fn add(&self, credential: &str, step: Step, now: Now) {
        let at = now.seconds();
        self.change(|steps| {
            // A clock that was set back makes a step look as if it came from the future.
            steps.retain(|old| old.at.saturating_add(KEPT_SECONDS) >= at && !old.is_of(credential, step));
            steps.push(RecentStep { credential: credential.to_owned(), step: step.0, at });
            steps.drain(..steps.len().saturating_sub(MAX_STEPS));
        });
    }

    /// Removes a step that was provably not sent.
    pub(super) fn take_back(&self, credential: &str, step: Step) {
        self.change(|steps| steps.retain(|old| !old.is_of(credential, step)));
    }

    /// Removes all steps of these credentials.
    ///
    /// # Errors
    ///
    /// The copy is not writable; it would restore the steps.
    pub(super) fn forget(&self, credentials: &[String]) -> Result<(), Error> {
        self.try_change(|steps| steps.retain(|old| !credentials.contains(&old.credential)))
    }

    fn change(&self, change: impl FnOnce(&mut Vec<RecentStep>)) {
        if let Err(error) = self.try_change(change) {
            let path = self.file.as_ref().map(StateFile::path).unwrap_or_default();
            tracing::warn!(
                "the copy of the single-use record is not usable ({error}); check {}",
                path.display()
            );
        }
    }

    fn try_change(&self, change: impl FnOnce(&mut Vec<RecentStep>)) -> Result<(), Error> {
        let Some(file) = &self.file else { return Ok(()) };
        file.update_or_restart(|steps: &mut Steps| {
            change(&mut steps.steps);
            steps.is_stored = true;
            Ok(())
        })
    }
}
