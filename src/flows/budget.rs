//! How many refused codes a credential may have: Cognito locks an account after five, and so we stop before.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Refusals in [`WINDOW`] after which nothing more is submitted.
const REFUSALS: usize = 5;

/// Cognito forgets failures after 15 minutes.
const WINDOW: Duration = Duration::from_secs(15 * 60);

/// For how many credentials refusals are kept; the least recently refused is forgotten first. One account has one
/// credential, and a minute has few submissions, so only a token that invents credentials gets here.
const MAX_CREDENTIALS: usize = 1_024;

/// The refusals of every credential, in memory, by monotonic time.
#[derive(Debug, Default)]
pub(super) struct Budget {
    /// The newest [`REFUSALS`] of each credential, oldest first; never empty.
    refusals: Mutex<HashMap<String, VecDeque<Duration>>>,
}

impl Budget {
    /// How long the credential has to wait, if it has to.
    pub(super) fn wait(&self, credential: &str, now: Duration) -> Option<Duration> {
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        let times = refusals.get_mut(credential)?;
        times.retain(|time| is_recent(*time, now));
        let oldest = times.front().filter(|_| times.len() >= REFUSALS)?;
        Some((*oldest + WINDOW).saturating_sub(now))
    }

    /// Notes that a code was refused.
    pub(super) fn refused(&self, credential: &str, now: Duration) {
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        refusals.retain(|_, times| times.back().is_some_and(|time| is_recent(*time, now)));
        if refusals.len() >= MAX_CREDENTIALS && !refusals.contains_key(credential) {
            forget_least_recent(&mut refusals);
        }
        let times = refusals.entry(credential.to_owned()).or_default();
        if times.len() >= REFUSALS {
            times.pop_front();
        }
        times.push_back(now);
    }

    /// Notes that a code was accepted, which resets Cognito's count as well.
    pub(super) fn accepted(&self, credential: &str) {
        self.refusals.lock().unwrap_or_else(PoisonError::into_inner).remove(credential);
    }
}

fn is_recent(time: Duration, now: Duration) -> bool {
    time + WINDOW > now
}

fn forget_least_recent(refusals: &mut HashMap<String, VecDeque<Duration>>) {
    let least = refusals.iter().min_by_key(|(_, times)| times.back()).map(|(id, _)| id.clone());
    if let Some(id) = least {
        refusals.remove(&id);
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
    #[test]
    fn memory_stays_bounded() {
        let budget = Budget::default();
        for second in 0..5_000 {
            budget.refused("a", Duration::from_secs(second));
            budget.refused(&format!("b{second}"), Duration::from_secs(second));
        }
        let now = Duration::from_secs(4_999);
        let kept = budget.refusals.lock().unwrap();
        // One credential a second, each for 15 minutes, and the first one.
        assert_eq!((kept.len(), kept["a"].len()), (15 * 60 + 1, REFUSALS));
        drop(kept);
        assert_eq!(budget.wait("a", now), Some(WINDOW - Duration::from_secs(4)));
    }

    #[test]
    fn many_credentials_at_once_push_out_the_least_recent() {
        let budget = Budget::default();
        (0..5).for_each(|_| budget.refused("a", minutes(0)));
        for number in 1..MAX_CREDENTIALS {
            budget.refused(&number.to_string(), minutes(1));
        }
        assert!(budget.wait("a", minutes(2)).is_some());
        budget.refused("one more", minutes(2));
        assert_eq!(budget.refusals.lock().unwrap().len(), MAX_CREDENTIALS);
        assert_eq!(budget.wait("a", minutes(2)), None);
    }
}
