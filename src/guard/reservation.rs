//! A step whose code is about to be sent.

use std::sync::Arc;

use super::Error;
use super::now::Now;
use super::recent::RecentSteps;
use super::state::State;
use crate::otp::Step;
use crate::state_file::StateFile;

/// A step that no other request can submit. If it is dropped, it stays recorded and counts as spent.
#[derive(Debug)]
#[must_use = "the outcome of the code must be recorded"]
pub struct Reservation {
    store: Arc<StateFile>,
    recent: Arc<RecentSteps>,
    credential: String,
    group: String,
    step: Step,
    /// The time of the reservation.
    at: Now,
}

impl Reservation {
    pub(super) fn new(
        store: Arc<StateFile>,
        recent: Arc<RecentSteps>,
        credential: &str,
        group: String,
        (step, at): (Step, Now),
    ) -> Self {
        Self { store, recent, credential: credential.to_owned(), group, step, at }
    }

    /// The step.
    pub fn step(&self) -> Step {
        self.step
    }

    /// Records that the code was sent or may have been sent.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] if the record cannot be written. The step stays recorded as an intent, which also counts as spent.
    pub fn spent(self) -> Result<(), Error> {
        self.store.update(|state: &mut State| {
            state.replace_lost(self.at.seconds());
            state.groups.entry(self.group.clone()).or_default().settle(self.step);
            state.credentials.entry(self.credential.clone()).or_insert_with(|| self.group.clone());
            Ok(())
        })
    }

    /// Removes the record, because the code was provably not sent: the request failed before its first byte.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] if the record cannot be written; the step stays closed.
    pub fn take_back(self) -> Result<(), Error> {
        self.store.update(|state: &mut State| {
            if let Some(records) = state.groups.get_mut(&self.group) {
                records.take_back(self.step);
            }
            self.recent.take_back(&self.credential, self.step);
            Ok(())
        })
    }
}
