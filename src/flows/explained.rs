//! Why a credential was not found, as far as the state of the tokens tells.

use std::sync::Arc;

use super::Error;
use crate::device::{self, Problem};
use crate::registry::{Attached, Missing, Snapshot, State};
use crate::token;

/// The error for the caller. While the smart card service refuses this user, or a card could not be read yet, a missing token
/// may be plugged in already. A query that an attached token could have answered may as well have a wrong name. A key without
/// OATH could not have answered it.
pub(super) fn explained(error: Error, snapshot: &Snapshot) -> Error {
    let (unread, known): (Vec<_>, Vec<_>) = snapshot.tokens.values().partition(is_unread);
    let has_tokens =
        known.iter().any(|attached| may_answer(&attached.state, attached.info.is_unidentified()));
    if !may_be_hidden(&error, has_tokens) {
        return error;
    }
    let mut refusals = [Problem::PcscDenied, Problem::PcscFull, Problem::PcscVersion].into_iter();
    if let Some(problem) = refusals.find(|problem| snapshot.problems.contains(problem)) {
        return token::Error::from(device::Error::Transport(problem)).into();
    }
    match unread.as_slice() {
        [] => error,
        all if all.iter().all(|attached| attached.state == State::Stuck) => token::Error::Stuck.into(),
        all if all.iter().all(|attached| attached.state == State::Reading) => token::Error::Reading.into(),
        _ => token::Error::Busy.into(),
    }
}

/// Whether its credentials are unknown because it could not be read yet.
fn is_unread(attached: &&Arc<Attached>) -> bool {
    match attached.state {
        State::Busy => attached.credentials.is_empty(),
        State::Reading | State::Stuck => attached.info.is_unidentified(),
        _ => false,
    }
}

/// Whether a token in this state could have answered a query. Only the reader of an unidentified one is known.
fn may_answer(state: &State, is_unidentified: bool) -> bool {
    match state {
        State::NoOath => false,
        State::Error(_) => !is_unidentified,
        _ => true,
    }
}

fn may_be_hidden(error: &Error, has_tokens: bool) -> bool {
    match error {
        Error::Missing(Missing::Token) => true,
        Error::NoMatch { locked: false, .. } => !has_tokens,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    #[test]
    fn a_missing_token_is_explained_by_a_service_that_refuses_the_user() {
        let snapshot = |problems: &[Problem]| Snapshot {
            version: 1,
            settled: true,
            problems: problems.iter().copied().collect::<BTreeSet<_>>(),
            tokens: BTreeMap::new(),
        };
        let no_match = |locked| Error::NoMatch { locked, wanted: String::new() };
        let (denied, other) = (snapshot(&[Problem::PcscDenied]), snapshot(&[Problem::PcscUnavailable]));
        for error in [Missing::Token.into(), no_match(false)] {
            assert_eq!(explained(error.clone(), &denied), token::Error::PcscDenied.into());
            assert_eq!(explained(error.clone(), &other), error, "it is not plugged in");
        }
        for error in [no_match(true), Error::OtherDevice] {
            assert_eq!(explained(error.clone(), &denied), error, "the token is there");
        }
        assert!(!may_be_hidden(&no_match(false), true), "the name may be wrong");
        assert!(may_be_hidden(&Missing::Token.into(), true));
    }

    #[test]
    fn a_key_without_oath_could_not_have_answered_a_query() {
        for (state, is_unidentified, expected) in [
            (State::Ready, false, true),
            (State::Locked, false, true),
            (State::Error(token::Error::Stuck), false, true),
            (State::NoOath, true, false),
            (State::Error(token::Error::NfcRestricted), true, false),
        ] {
            assert_eq!(may_answer(&state, is_unidentified), expected, "{state:?}");
        }
    }
}
