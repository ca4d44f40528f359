//! `[access]`: the permissions of callers.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::error::Error;
use super::layers::Layers;
use super::policy::PolicyAccess;
use super::profile::Profile;
use super::rule::{AccessRule, permission};
use super::value::tables;

/// The permissions of callers.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Access {
    /// The default for the user's own programs, where no rule decides.
    #[serde(deserialize_with = "permission")]
    pub programs: bool,
    /// The default for sandboxed programs and for programs that cannot be identified, where no rule decides.
    #[serde(deserialize_with = "permission")]
    pub sandboxed: bool,
    /// Whether programs may read codes, submit codes and unlock tokens while the screen is locked.
    #[serde(deserialize_with = "permission")]
    pub while_locked: bool,
    /// Exceptions, in order: the first one that matches decides.
    #[serde(rename = "rule", deserialize_with = "tables")]
    pub rules: Vec<AccessRule>,
    /// What the administrator's policy says; it decides first.
    #[serde(skip)]
    pub policy: PolicyAccess,
}

impl Default for Access {
    fn default() -> Self {
        let (rules, policy) = (Vec::new(), PolicyAccess::default());
        Self { programs: true, sandboxed: false, while_locked: false, rules, policy }
    }
}

impl Access {
    /// The errors of rules: each rule decides something, and its profile is one of `profiles`.
    pub(super) fn errors(&self, profiles: &BTreeMap<String, Profile>, layers: &Layers<'_>) -> Vec<Error> {
        let error = |(index, rule): (usize, &AccessRule)| {
            let problem = rule.problem(|name| profiles.contains_key(name))?;
            Some(layers.error(&["access", "rule", &index.to_string()], problem))
        };
        self.rules.iter().enumerate().filter_map(error).collect()
    }
}
