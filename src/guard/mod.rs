//! The single-use record: the spent time steps of each seed.
//!
//! RFC 6238 §5.2 forbids a server to accept a code twice. A client that sends one twice therefore fails, or locks its
//! user out. So a time step is recorded before its code is sent. A recorded step is never sent again: not by another
//! program, not by another daemon with the same directory, not after a crash.
//!
//! All calls read and write a small file, and wait for its lock for at most 2 seconds.

mod records;
mod sent;
mod state;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;

use data_encoding::HEXLOWER;

pub use records::{Record, Use};
pub use sent::SentCodes;
use state::State;

use crate::otp::Step;
use crate::state_file::{self, StateFile};

/// The record in one directory. Clones and other processes share it.
#[derive(Clone, Debug)]
pub struct Guard {
    store: Arc<StateFile>,
}

impl Guard {
    /// The record in `directory`, which is created at the first write.
    ///
    /// This never fails: the first use reports a record that is damaged or not writable.
    pub fn open(directory: PathBuf) -> Self {
        Self { store: Arc::new(StateFile::new(directory, "guard")) }
    }

    /// The path of the record's file, for messages.
    pub fn file(&self) -> PathBuf {
        self.store.path()
    }

    /// Records durably that the code of `step` is about to be sent.
    ///
    /// `credential` is the object id, `<token id>_<16 hex>`; `now` is the current step of the clock.
    ///
    /// # Errors
    ///
    /// [`Error::Spent`] if this step or a later one was recorded before. [`Error::Unavailable`] if the record cannot be
    /// read or written; the code must not be sent then.
    pub fn reserve(&self, credential: &str, step: Step, now: Step) -> Result<Reservation, Error> {
        let group = self.record(credential, step, now, Use::Intent)?;
        Ok(Reservation { store: Arc::clone(&self.store), credential: credential.to_owned(), group, step })
    }

    /// Records durably that the caller of the daemon is going to send the code of `step`.
    ///
    /// # Errors
    ///
    /// Like [`Guard::reserve`].
    pub fn claim(&self, credential: &str, step: Step, now: Step) -> Result<(), Error> {
        self.record(credential, step, now, Use::Spent).map(drop)
    }

    /// The first step from `now` on that may be submitted.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] if the record cannot be read.
    pub fn earliest(&self, credential: &str, now: Step) -> Result<Step, Error> {
        let state: State = self.store.read()?;
        Ok(state.records(credential).map_or(now, |records| records.earliest(now)))
    }

    /// All records, by credential.
    ///
    /// # Errors
    ///
    /// Like [`Guard::earliest`].
    pub fn show(&self) -> Result<Vec<Entry>, Error> {
        let state: State = self.store.read()?;
        let entries = state.credentials.iter().map(|(credential, group)| Entry {
            credential: credential.clone(),
            seed: group.clone(),
            records: state.groups.get(group).map(|records| records.iter().collect()).unwrap_or_default(),
        });
        Ok(entries.filter(|entry| !entry.records.is_empty()).collect())
    }

    /// Deletes the records of a credential's seed; false if there were none.
    ///
    /// The current codes of the seed can be sent a second time afterwards.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] if the record cannot be read or written.
    pub fn forget(&self, credential: &str) -> Result<bool, Error> {
        self.store.update(|state: &mut State| {
            let Some(group) = state.credentials.get(credential).cloned() else { return Ok(false) };
            if state.credentials.values().filter(|other| **other == group).count() > 1 {
                // The group stays, so that its other credentials still share their records.
                state.groups.insert(group, records::Records::default());
            } else {
                state.credentials.remove(credential);
                state.groups.remove(&group);
            }
            Ok(true)
        })
    }

    fn record(&self, credential: &str, step: Step, now: Step, usage: Use) -> Result<String, Error> {
        self.store.update(|state: &mut State| {
            let group = group_of(state, credential)?;
            let records = state.groups.entry(group.clone()).or_default();
            if !records.may_submit(step, now) {
                return Err(Error::Spent { earliest: records.earliest(now) });
            }
            records.add(step, usage, now);
            Ok(group)
        })
    }
}

/// The seed group of a credential; creates one if there is none.
fn group_of(state: &mut State, credential: &str) -> Result<String, Unavailable> {
    if let Some(group) = state.credentials.get(credential) {
        return Ok(group.clone());
    }
    let mut id = [0; 8];
    getrandom::fill(&mut id).map_err(|_| Unavailable::NoRandomness)?;
    let group = HEXLOWER.encode(&id);
    state.credentials.insert(credential.to_owned(), group.clone());
    Ok(group)
}

/// A step that no other request can submit. If it is dropped, it stays recorded and counts as spent.
#[derive(Debug)]
#[must_use = "the outcome of the code must be recorded"]
pub struct Reservation {
    store: Arc<StateFile>,
    credential: String,
    group: String,
    step: Step,
}

impl Reservation {
    /// The step.
    pub fn step(&self) -> Step {
        self.step
    }

    /// Records that the code was sent or may have been sent.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] if the record cannot be written. The step stays recorded as an intent, which also counts as
    /// spent.
    pub fn spent(self) -> Result<(), Error> {
        self.store.update(|state: &mut State| {
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
            Ok(())
        })
    }
}

/// The records of a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The object id of the credential.
    pub credential: String,
    /// A random name of the seed; credentials with the same name share their records.
    pub seed: String,
    /// The recorded steps, ascending.
    pub records: Vec<Record>,
}

/// The reason why a step must not be submitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// This step or a later one was recorded before.
    #[error("the time step was spent; {} is the first that may be submitted", earliest.0)]
    Spent {
        /// The first step from now on that may be submitted.
        earliest: Step,
    },
    /// The record is not usable, so it is unknown whether the step was spent.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// The reason why the record is not usable. The file is not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// Its file is not usable.
    #[error("the single-use record is not usable ({0})")]
    Record(#[from] state_file::Error),
    /// The system provides no random numbers.
    #[error("the system provides no random numbers")]
    NoRandomness,
}

impl From<state_file::Error> for Error {
    fn from(error: state_file::Error) -> Self {
        Self::Unavailable(error.into())
    }
}
