//! What the file of the record holds.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::records::Records;
use crate::state_file::Content;

/// What the file holds. No account names, no codes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct State {
    /// The records of each seed, by a random id: the seed itself is never known here.
    pub(super) groups: BTreeMap<String, Records>,
    /// Which seed a credential has: several credentials may share one.
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
