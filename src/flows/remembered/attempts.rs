//! Which tokens were tried with a remembered key, and which may be tried.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard};

use tokio::sync::watch;

use crate::keyring::Questions;
use crate::oath::TokenId;
use crate::sync::IgnorePoison;

/// The attempts with the tokens that are locked now.
#[derive(Debug)]
pub(in crate::flows) struct Attempts {
    state: Mutex<State>,
    /// Changes when an attempt is wanted.
    wanted: watch::Sender<()>,
    /// Changes when an attempt has ended.
    ended: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct State {
    /// No attempt begins, because the screen is locked.
    is_paused: bool,
    running: HashSet<TokenId>,
    /// Tried without questions since the token became locked.
    tried: HashSet<TokenId>,
    /// A request waits for a person to unlock it.
    wanted: HashSet<TokenId>,
    /// Tried with questions since the token became locked, so that a user who dismisses a question is not asked again.
    asked: HashSet<TokenId>,
    /// Locked by a caller, until the next `Unlock`.
    held: Held,
}

#[derive(Debug)]
enum Held {
    /// These tokens.
    Only(HashSet<TokenId>),
    /// All others, the absent ones too.
    AllBut(HashSet<TokenId>),
}

impl Default for Held {
    fn default() -> Self {
        Self::Only(HashSet::new())
    }
}

impl Held {
    fn contains(&self, token: &TokenId) -> bool {
        match self {
            Self::Only(held) => held.contains(token),
            Self::AllBut(free) => !free.contains(token),
        }
    }

    fn set(&mut self, token: &TokenId, is_held: bool) {
        match (self, is_held) {
            (Self::Only(set), true) | (Self::AllBut(set), false) => drop(set.insert(token.clone())),
            (Self::Only(set), false) | (Self::AllBut(set), true) => drop(set.remove(token)),
        }
    }
}

impl Default for Attempts {
    fn default() -> Self {
        Self { state: Mutex::default(), wanted: watch::Sender::new(()), ended: watch::Sender::new(()) }
    }
}

impl Attempts {
    /// Forgets what is not about these locked tokens; if `is_new`, also which of them were tried.
    pub(super) fn keep_only<'id>(&self, locked: impl Iterator<Item = &'id TokenId>, is_new: bool) {
        let locked: HashSet<_> = locked.collect();
        let mut state = self.state();
        let State { tried, wanted, asked, .. } = &mut *state;
        for set in [tried, wanted, asked] {
            set.retain(|token| locked.contains(token) && !is_new);
        }
    }

    /// Whether no attempt begins from now on.
    pub(super) fn pause(&self, is_paused: bool) {
        self.state().is_paused = is_paused;
        self.ended.send_replace(());
    }

    /// Begins the attempt that is due with a locked token, and tells whether the user may be asked.
    pub(super) fn begin(&self, token: &TokenId) -> Option<Questions> {
        let mut state = self.state();
        if state.held.contains(token) || state.running.contains(token) {
            return None;
        }
        let is_wanted = state.wanted.remove(token);
        let questions = if state.tried.insert(token.clone()) {
            Questions::Refused
        } else if is_wanted && state.asked.insert(token.clone()) {
            Questions::Allowed
        } else {
            return None;
        };
        state.running.insert(token.clone());
        Some(questions)
    }

    pub(super) fn end(&self, token: &TokenId) {
        self.state().running.remove(token);
        self.ended.send_replace(());
        // A request may have wanted another attempt meanwhile.
        self.wanted.send_replace(());
    }

    /// Lets the user be asked for the keys of these tokens.
    pub(super) fn want(&self, tokens: &[TokenId]) {
        self.state().wanted.extend(tokens.iter().cloned());
        self.wanted.send_replace(());
    }

    pub(super) fn wanted(&self) -> watch::Receiver<()> {
        self.wanted.subscribe()
    }

    /// Whether a locked token was tried, or may not be.
    pub(super) fn has_ended(&self, token: &TokenId) -> bool {
        let state = self.state();
        state.is_paused
            || state.held.contains(token)
            || (state.tried.contains(token) && !state.running.contains(token))
    }

    /// Changes whenever an attempt has ended.
    pub(super) fn ends(&self) -> watch::Receiver<()> {
        self.ended.subscribe()
    }

    pub(super) fn is_held(&self, token: &TokenId) -> bool {
        self.state().held.contains(token)
    }

    /// From now on no remembered key is used for the token.
    pub(in crate::flows) fn hold(&self, token: &TokenId) {
        self.state().held.set(token, true);
    }

    /// From now on no remembered key is used for any token.
    pub(super) fn hold_all(&self) {
        self.state().held = Held::AllBut(HashSet::new());
    }

    /// The token was unlocked by a caller.
    pub(in crate::flows) fn release(&self, token: &TokenId) {
        self.state().held.set(token, false);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().ignore_poison()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_tried_once_without_questions_and_once_with_them_if_wanted() {
        let attempts = Attempts::default();
        let [one, other] = ["1", "2"].map(|value| TokenId::new("ykoath", value));
        assert_eq!(attempts.begin(&one), Some(Questions::Refused));
        attempts.want(std::slice::from_ref(&one));
        assert_eq!(attempts.begin(&one), None, "the first one runs");
        attempts.end(&one);
        assert_eq!(attempts.begin(&one), Some(Questions::Allowed));
        attempts.end(&one);
        attempts.want(std::slice::from_ref(&one));
        assert_eq!(attempts.begin(&one), None, "the user has answered");
        assert_eq!(attempts.begin(&other), Some(Questions::Refused));
        attempts.end(&other);
        attempts.keep_only([&other].into_iter(), false);
        assert_eq!(attempts.begin(&other), None);
        assert_eq!(attempts.begin(&one), Some(Questions::Refused), "it was unlocked or absent");
        attempts.end(&one);
        attempts.keep_only([&one, &other].into_iter(), true);
        assert_eq!([&one, &other].map(|id| attempts.begin(id)), [Some(Questions::Refused); 2]);
    }

    #[test]
    fn a_token_that_a_caller_locked_is_not_tried_until_it_is_unlocked() {
        let attempts = Attempts::default();
        let [one, other] = ["1", "2"].map(|value| TokenId::new("ykoath", value));
        attempts.hold(&one);
        assert_eq!(attempts.begin(&one), None);
        attempts.release(&one);
        assert!(attempts.begin(&one).is_some());
        attempts.hold_all();
        assert_eq!(attempts.begin(&other), None, "also one that comes later");
        attempts.release(&other);
        assert!(attempts.begin(&other).is_some() && attempts.is_held(&one));
        attempts.hold(&other);
        assert!(attempts.is_held(&other));
    }
}
