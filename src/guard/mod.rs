//! The single-use record: the spent time steps of each seed.
//!
//! RFC 6238 §5.2 forbids a server to accept a code twice. A client that sends one twice therefore fails, or locks its
//! user out. So a time step is recorded before its code is sent. A recorded step is never sent again: not by another
//! program, not by another daemon with the same directory, not after a crash.
//!
//! All calls read and write a small file, and wait for its lock for at most 2 seconds.

mod folders;
mod now;
mod recent;
mod records;
mod reservation;
mod sent;
mod state;
#[cfg(test)]
mod tests;
mod unavailable;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub use folders::Folders;
pub use now::Now;
pub use records::{Record, Use};
pub use reservation::Reservation;
pub use sent::SentCodes;
pub use unavailable::Unavailable;

use recent::RecentSteps;
use state::State;

use crate::otp::Step;
use crate::state_file::{self, StateFile};

/// The record in one directory. Clones and other processes share it.
#[derive(Clone, Debug)]
pub struct Guard {
    store: Arc<StateFile>,
    recent: Arc<RecentSteps>,
}

impl Guard {
    /// The record in these folders, which are created at the first write.
    ///
    /// This never fails: the first use reports a record that is damaged or not writable.
    pub fn open(folders: impl Into<Folders>) -> Self {
        let Folders { state, runtime } = folders.into();
        Self { store: Arc::new(StateFile::new(state, "guard")), recent: Arc::new(RecentSteps::new(runtime)) }
    }

    /// Begins a record at the start of the daemon, `now` in Unix time, if there is none.
    ///
    /// If neither the state folder nor the second copy exists, there was no record, and nothing is spent. Otherwise the
    /// record was removed, and every step until the one after `now` counts as spent, for every seed.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] if the record cannot be read or written.
    pub fn begin(&self, now: Duration) -> Result<(), Error> {
        // Another daemon, for another bus of this user, may start for the first time at the same moment.
        let is_missing = self.file().symlink_metadata().is_err();
        let _turn = is_missing.then(|| self.store.lock_parent());
        let is_first = self.store.directory().symlink_metadata().is_err() && !self.recent.exists();
        let is_lost = self.store.update(|state: &mut State| {
            let is_lost = !state.is_stored() && !is_first;
            if is_first {
                state.begin();
            }
            state.replace_lost(now.as_secs());
            Ok::<_, Error>(is_lost)
        })?;
        self.recent.create();
        if is_lost {
            let path = self.file();
            tracing::warn!(
                "{} does not exist, although there was a record or an older version of the daemon; no code of this and the next time step is submitted",
                path.display()
            );
        }
        Ok(())
    }

    /// Whether the record can be read and written now.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] if it cannot.
    pub fn check(&self) -> Result<(), Error> {
        Ok(self.store.check::<State>()?)
    }

    /// The path of the record's file, for messages.
    pub fn file(&self) -> PathBuf {
        self.store.path()
    }

    /// Records durably that the code of `step` is about to be sent.
    ///
    /// `credential` is the object id, `<token id>_<16 hex>`.
    ///
    /// # Errors
    ///
    /// [`Error::Spent`] if this step or a later one was recorded before. [`Error::Unavailable`] if the record cannot be
    /// read or written; the code must not be sent then.
    pub fn reserve(&self, credential: &str, step: Step, now: Now) -> Result<Reservation, Error> {
        let group = self.record(credential, step, now, Use::Intent)?;
        let (store, recent) = (Arc::clone(&self.store), Arc::clone(&self.recent));
        Ok(Reservation::new(store, recent, credential, group, (step, now)))
    }

    /// Records durably that the caller of the daemon is going to send the code of `step`.
    ///
    /// # Errors
    ///
    /// Like [`Guard::reserve`].
    pub fn claim(&self, credential: &str, step: Step, now: Now) -> Result<(), Error> {
        self.record(credential, step, now, Use::Spent).map(drop)
    }

    /// The first step from `now` on that may be submitted.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] if the record cannot be read, or if it is missing and cannot be written.
    pub fn earliest(&self, credential: &str, now: Now) -> Result<Step, Error> {
        let mut state: State = self.store.read()?;
        if !state.is_stored() {
            // Otherwise the loss would begin again at each call.
            self.store.update(|lost: &mut State| {
                lost.replace_lost(now.seconds());
                state = lost.clone();
                Ok::<_, Error>(())
            })?;
        }
        self.complete(&mut state, now)?;
        Ok(state.earliest(credential, now))
    }

    /// All records, by credential.
    ///
    /// # Errors
    ///
    /// Like [`Guard::earliest`].
    pub fn show(&self) -> Result<Vec<Entry>, Error> {
        let mut state: State = self.store.read()?;
        self.restore_recent(&mut state)?;
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
            self.restore_recent(state)?;
            let Some(group) = state.credentials.get(credential).cloned() else { return Ok(false) };
            let shared = state.credentials.iter().filter(|(_, other)| **other == group);
            let shared: Vec<_> = shared.map(|(credential, _)| credential.clone()).collect();
            if shared.len() > 1 {
                // The group stays, so that its other credentials still share their records.
                state.groups.insert(group, records::Records::default());
            } else {
                state.credentials.remove(credential);
                state.groups.remove(&group);
            }
            self.recent.forget(&shared)?;
            Ok(true)
        })
    }

    /// Lets the credentials `new` and `with` share one record, because both have one seed. An own record of `new` is not lost,
    /// so a name that turns out to be that of another credential makes its codes wait at most.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] if the record cannot be read or written.
    pub fn share(&self, new: &str, with: &str, now: Now) -> Result<(), Error> {
        self.store.update(|state: &mut State| {
            self.complete(state, now)?;
            Ok(state.share(new, with, now)?)
        })
    }

    /// Forgets a name that no credential has any more, whose record other credentials share. The record stays.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] if the record cannot be read or written.
    pub fn forget_name(&self, credential: &str) -> Result<(), Error> {
        self.store.update(|state: &mut State| {
            state.forget_name(credential);
            Ok(())
        })
    }

    fn record(&self, credential: &str, step: Step, now: Now, usage: Use) -> Result<String, Error> {
        let mut is_copied = false;
        let group = self.store.update(|state: &mut State| {
            self.complete(state, now)?;
            if !state.may_submit(credential, step, now) {
                return Err(Error::Spent { earliest: state.earliest(credential, now) });
            }
            let group = state.group_of(credential)?;
            state.groups.entry(group.clone()).or_default().add(step, usage, now.step());
            // Under the lock of the record, so that no `forget` comes in between and is undone.
            self.recent.add(credential, step, now);
            is_copied = true;
            Ok(group)
        });
        if group.is_err() && is_copied {
            self.recent.take_back(credential, step);
        }
        group
    }

    /// Adds what the file does not have: that it was removed, and the last steps if an older file replaced it.
    fn complete(&self, state: &mut State, now: Now) -> Result<(), Error> {
        state.replace_lost(now.seconds());
        self.restore_recent(state)
    }

    fn restore_recent(&self, state: &mut State) -> Result<(), Error> {
        for recent in self.recent.read() {
            state.restore(&recent.credential, recent.step())?;
        }
        Ok(())
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

impl From<state_file::Error> for Error {
    fn from(error: state_file::Error) -> Self {
        Self::Unavailable(error.into())
    }
}
