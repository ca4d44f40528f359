//! The content of the record's file.

use std::collections::BTreeMap;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};

use super::now::Now;
use super::records::{MAX_STEPS_AHEAD, Records};
use super::unavailable::Unavailable;
use crate::otp::Step;
use crate::state_file::Content;

/// The content of the file. It has no account names and no codes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct State {
    /// The records of each seed, by a random id; the guard never knows the seed.
    pub(super) groups: BTreeMap<String, Records>,
    /// The random id of each credential's seed; several credentials may share one.
    pub(super) credentials: BTreeMap<String, String>,
    /// The time, in Unix seconds, at which an earlier record was found to be missing. The steps until the one after that
    /// time may have been spent, for every seed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lost: Option<u64>,
    /// Whether this is the content of a file.
    #[serde(skip, default = "yes")]
    is_stored: bool,
}

fn yes() -> bool {
    true
}

impl State {
    /// Whether this is the content of a file.
    pub(super) fn is_stored(&self) -> bool {
        self.is_stored
    }

    /// Begins a record of which nothing is spent.
    pub(super) fn begin(&mut self) {
        self.is_stored = true;
    }

    /// If there is no file although there was one: closes every step that may have been spent.
    pub(super) fn replace_lost(&mut self, seconds: u64) {
        if !self.is_stored {
            self.lost = Some(seconds);
            self.is_stored = true;
        }
    }

    pub(super) fn may_submit(&self, credential: &str, step: Step, now: Now) -> bool {
        step >= self.lowest_open(now)
            && self.records(credential).is_none_or(|records| records.may_submit(step, now.step()))
    }

    /// The first step from now on that may be submitted.
    pub(super) fn earliest(&self, credential: &str, now: Now) -> Step {
        let from = now.step().max(self.lowest_open(now));
        self.records(credential).map_or(from, |records| records.earliest(from))
    }

    /// The seed group of a credential; creates one if there is none.
    pub(super) fn group_of(&mut self, credential: &str) -> Result<String, Unavailable> {
        if let Some(group) = self.credentials.get(credential) {
            return Ok(group.clone());
        }
        let mut id = [0; 8];
        getrandom::fill(&mut id).map_err(|_| Unavailable::NoRandomness)?;
        let group = HEXLOWER.encode(&id);
        self.credentials.insert(credential.to_owned(), group.clone());
        self.groups.entry(group.clone()).or_default();
        Ok(group)
    }

    /// Gives both credentials one record, with all steps of both.
    pub(super) fn share(&mut self, new: &str, with: &str, now: Now) -> Result<(), Unavailable> {
        let group = self.group_of(with)?;
        let earlier = self.credentials.insert(new.to_owned(), group.clone());
        let Some(earlier) = earlier.filter(|earlier| *earlier != group) else { return Ok(()) };
        for other in self.credentials.values_mut().filter(|other| **other == earlier) {
            other.clone_from(&group);
        }
        if let Some(records) = self.groups.remove(&earlier) {
            self.groups.entry(group).or_default().merge(records, now.step());
        }
        Ok(())
    }

    /// Removes a credential whose record is shared. A record that no other credential has is kept with its name.
    pub(super) fn forget_name(&mut self, credential: &str) {
        let Some(group) = self.credentials.get(credential) else { return };
        if self.credentials.values().filter(|other| *other == group).count() > 1 {
            self.credentials.remove(credential);
        }
    }

    /// Adds a step that is recorded elsewhere, unless it is recorded here.
    pub(super) fn restore(&mut self, credential: &str, step: Step) -> Result<(), Unavailable> {
        let group = self.group_of(credential)?;
        self.groups.entry(group).or_default().restore(step);
        Ok(())
    }

    fn records(&self, credential: &str) -> Option<&Records> {
        self.groups.get(self.credentials.get(credential)?)
    }

    /// The first step after those that may have been lost. A loss that a wrong clock puts far ahead closes no step: the
    /// steps of its time may be submitted once that time has come.
    fn lowest_open(&self, now: Now) -> Step {
        let last = self.lost.map(|lost| now.step_at(lost).next());
        let near = last.filter(|last| last.0 <= now.step().0.saturating_add(MAX_STEPS_AHEAD));
        near.map_or(Step(0), Step::next)
    }
}

impl Content for State {
    fn is_sound(&self) -> bool {
        self.groups.values().all(Records::is_sound)
            && self.credentials.values().all(|group| self.groups.contains_key(group))
    }
}
