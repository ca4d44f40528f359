//! Limits the refused codes of a credential: Cognito locks an account after five, so the daemon stops before.

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;
use std::time::Duration;

use crate::sync::IgnorePoison;

/// The maximum number of refusals in [`REFUSAL_WINDOW`]; after that no code is submitted.
const MAX_REFUSALS: usize = 5;

/// The time after which Cognito forgets a failure.
const REFUSAL_WINDOW: Duration = Duration::from_secs(15 * 60);

/// The maximum number of credentials with kept refusals; the least recently refused one is dropped first. One account has
/// one credential, and a minute has few submissions, so only a token that invents credentials reaches this limit.
const MAX_CREDENTIALS: usize = 1_024;

/// The refusals of every credential, in memory, by monotonic time.
#[derive(Debug, Default)]
pub(super) struct LockoutGuard {
    /// The newest [`MAX_REFUSALS`] of each credential, oldest first; never empty.
    refusals: Mutex<HashMap<String, VecDeque<Duration>>>,
}

impl LockoutGuard {
    /// The time for which submissions of the credential must wait; `None` if they may be sent now.
    pub(super) fn wait(&self, credential: &str, now: Duration) -> Option<Duration> {
        let mut refusals = self.refusals.lock().ignore_poison();
        let times = refusals.get_mut(credential)?;
        times.retain(|time| is_recent(*time, now));
        let oldest = times.front().filter(|_| times.len() >= MAX_REFUSALS)?;
        Some((*oldest + REFUSAL_WINDOW).saturating_sub(now))
    }

    /// Records that a code was refused.
    pub(super) fn refused(&self, credential: &str, now: Duration) {
        let mut refusals = self.refusals.lock().ignore_poison();
        refusals.retain(|_, times| times.back().is_some_and(|time| is_recent(*time, now)));
        if refusals.len() >= MAX_CREDENTIALS && !refusals.contains_key(credential) {
            forget_least_recent(&mut refusals);
        }
        let times = refusals.entry(credential.to_owned()).or_default();
        if times.len() >= MAX_REFUSALS {
            times.pop_front();
        }
        times.push_back(now);
    }

    /// Records that a code was accepted, which resets Cognito's count as well.
    pub(super) fn accepted(&self, credential: &str) {
        self.refusals.lock().ignore_poison().remove(credential);
    }
}

fn is_recent(time: Duration, now: Duration) -> bool {
    time + REFUSAL_WINDOW > now
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
    fn the_sixth_attempt_waits_until_the_first_refusal_expires() {
        let guard = LockoutGuard::default();
        for minute in 0..5 {
            assert_eq!(guard.wait("a", minutes(minute)), None);
            guard.refused("a", minutes(minute));
        }
        assert_eq!(guard.wait("a", minutes(5)), Some(minutes(10)));
        assert_eq!(guard.wait("b", minutes(5)), None);
        assert_eq!(guard.wait("a", minutes(15)), None);
    }

    #[test]
    fn an_accepted_code_clears_the_count() {
        let guard = LockoutGuard::default();
        (0..5).for_each(|_| guard.refused("a", minutes(0)));
        guard.accepted("a");
        assert_eq!(guard.wait("a", minutes(0)), None);
    }

    #[test]
    fn memory_stays_bounded() {
        let guard = LockoutGuard::default();
        for second in 0..5_000 {
            guard.refused("a", Duration::from_secs(second));
            guard.refused(&format!("b{second}"), Duration::from_secs(second));
        }
        let now = Duration::from_secs(4_999);
        let kept = guard.refusals.lock().unwrap();
        // One credential a second, each for 15 minutes, and the first one.
        assert_eq!((kept.len(), kept["a"].len()), (15 * 60 + 1, MAX_REFUSALS));
        drop(kept);
        assert_eq!(guard.wait("a", now), Some(REFUSAL_WINDOW - Duration::from_secs(4)));
    }

    #[test]
    fn many_credentials_at_once_push_out_the_least_recent() {
        let guard = LockoutGuard::default();
        (0..5).for_each(|_| guard.refused("a", minutes(0)));
        for number in 1..MAX_CREDENTIALS {
            guard.refused(&number.to_string(), minutes(1));
        }
        assert!(guard.wait("a", minutes(2)).is_some());
        guard.refused("one more", minutes(2));
        assert_eq!(guard.refusals.lock().unwrap().len(), MAX_CREDENTIALS);
        assert_eq!(guard.wait("a", minutes(2)), None);
    }
}
