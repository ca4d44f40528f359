//! What a call is about: its credential and the profiles that it belongs to.

use std::collections::BTreeMap;

use super::fit::Fit;
use crate::config::AccessRule;

/// What a call is about, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subject {
    credential: Credential,
    profiles: Profiles,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Credential {
    /// The call is about none.
    #[default]
    None,
    /// The object id.
    Is(String),
    /// It turns out later.
    Open,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Profiles {
    /// The call is about no user pool.
    #[default]
    None,
    /// The profiles by name. A rule may name another one if it is newer.
    Are(BTreeMap<String, Fit>),
    /// They turn out when the arguments are read.
    Open,
}

impl Subject {
    /// A call about no credential and no user pool.
    pub fn none() -> Self {
        Self::default()
    }

    /// A call about the credential with this object id, and about no user pool.
    pub fn credential(id: String) -> Self {
        Self { credential: Credential::Is(id), profiles: Profiles::default() }
    }

    /// A call whose arguments are not read yet.
    pub fn open() -> Self {
        Self { credential: Credential::Open, profiles: Profiles::Open }
    }

    /// A submission; `profiles` are those that it belongs to or may belong to. Without an id the credential turns out
    /// later.
    pub fn submission(credential: Option<String>, profiles: BTreeMap<String, Fit>) -> Self {
        let credential = credential.map_or(Credential::Open, Credential::Is);
        Self { credential, profiles: Profiles::Are(profiles) }
    }

    /// Whether a rule is for this call.
    pub(super) fn fit(&self, rule: &AccessRule) -> Fit {
        let credential = match (&rule.credential, &self.credential) {
            (None, _) => Fit::Yes,
            (Some(_), Credential::None) => Fit::No,
            (Some(_), Credential::Open) => Fit::Open,
            (Some(pattern), Credential::Is(id)) => Fit::yes_if(pattern.matches(id)),
        };
        let profile = match (&rule.profile, &self.profiles) {
            (None, _) => Fit::Yes,
            (Some(_), Profiles::Open) => Fit::Open,
            (Some(_), Profiles::None) => Fit::No,
            (Some(name), Profiles::Are(profiles)) => profiles.get(name).copied().unwrap_or(Fit::Hidden),
        };
        credential.and(profile)
    }
}
