//! How many refused codes a credential may have: Cognito locks an account after five, and so we stop before.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Refusals in [`WINDOW`] after which nothing more is submitted.
const REFUSALS: usize = 5;

/// Cognito forgets failures after 15 minutes.
const WINDOW: Duration = Duration::from_secs(15 * 60);

/// The refusals of every credential, in memory, by monotonic time.
#[derive(Debug, Default)]
pub(super) struct Budget {
    refusals: Mutex<HashMap<String, VecDeque<Duration>>>,
}

impl Budget {
    /// How long the credential has to wait, if it has to.
    pub(super) fn wait(&self, credential: &str, now: Duration) -> Option<Duration> {
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        let times = refusals.get_mut(credential)?;
        times.retain(|time| *time + WINDOW > now);
        let oldest = times.front().filter(|_| times.len() >= REFUSALS)?;
        Some((*oldest + WINDOW).saturating_sub(now))
    }

    /// Notes that a code was refused.
    pub(super) fn refused(&self, credential: &str, now: Duration) {
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        refusals.entry(credential.to_owned()).or_default().push_back(now);
    }

    /// Notes that a code was accepted, which resets Cognito's count as well.
    pub(super) fn accepted(&self, credential: &str) {
        self.refusals.lock().unwrap_or_else(PoisonError::into_inner).remove(credential);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn minutes(minutes: u64) -> Duration {
        Duration::from_secs(60 * minutes)
    }

    #[test]
    fn the_sixth_try_waits_for_the_first_to_be_forgotten() {
        let budget = Budget::default();
        for minute in 0..5 {
            assert_eq!(budget.wait("a", minutes(minute)), None);
            budget.refused("a", minutes(minute));
        }
        assert_eq!(budget.wait("a", minutes(5)), Some(minutes(10)));
        assert_eq!(budget.wait("b", minutes(5)), None);
        assert_eq!(budget.wait("a", minutes(15)), None);
    }

    #[test]
    fn an_accepted_code_clears_the_count() {
        let budget = Budget::default();
        (0..5).for_each(|_| budget.refused("a", minutes(0)));
        budget.accepted("a");
        assert_eq!(budget.wait("a", minutes(0)), None);
    }
}
