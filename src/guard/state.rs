//! The content of the record's file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::records::Records;
use crate::state_file::Content;

/// The content of the file. It has no account names and no codes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct State {
    /// The records of each seed, by a random id; the guard never knows the seed.
    pub(super) groups: BTreeMap<String, Records>,
    /// The random id of each credential's seed; several credentials may share one.
    pub(super) credentials: BTreeMap<String, String>,
}

impl State {
    pub(super) fn records(&self, credential: &str) -> Option<&Records> {
        self.groups.get(self.credentials.get(credential)?)
    }
}

impl Content for State {
    fn is_sound(&self) -> bool {
        self.groups.values().all(Records::is_sound)
            && self.credentials.values().all(|group| self.groups.contains_key(group))
    }
}
