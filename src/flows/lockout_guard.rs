//! Limits the refused codes of a credential and an account: Cognito locks an account after five, so the daemon stops
//! before. Refusals of one account do not count for another one, which has the same credential by chance or by intent.

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;
use std::time::Duration;

use crate::sync::IgnorePoison;

/// The maximum number of refusals in [`REFUSAL_WINDOW`]; after that no code is submitted.
const MAX_REFUSALS: usize = 5;

/// The time after which Cognito forgets a failure.
const REFUSAL_WINDOW: Duration = Duration::from_secs(15 * 60);

/// The maximum number of keys with kept refusals; the least recently refused one is dropped first. A key needs an answer of
/// Cognito about a real account, and a minute has few submissions, so this limit is never reached by accident.
const MAX_KEYS: usize = 1_024;

/// A name of an account together with a credential, hashed.
type Key = [u8; 32];

/// The refusals of every credential and account, in memory, by monotonic time.
#[derive(Debug, Default)]
pub(super) struct LockoutGuard {
    /// The newest [`MAX_REFUSALS`] of each key, oldest first; never empty.
    refusals: Mutex<HashMap<Key, VecDeque<Duration>>>,
}

impl LockoutGuard {
    /// The time for which submissions with one of these keys must wait; `None` if they may be sent now.
    pub(super) fn wait(&self, keys: Vec<Key>, now: Duration) -> Option<Duration> {
        let mut refusals = self.refusals.lock().ignore_poison();
        let wait = |key| {
            let times: &mut VecDeque<Duration> = refusals.get_mut(&key)?;
            times.retain(|time| is_recent(*time, now));
            let oldest = times.front().filter(|_| times.len() >= MAX_REFUSALS)?;
            Some((*oldest + REFUSAL_WINDOW).saturating_sub(now))
        };
        keys.into_iter().filter_map(wait).max()
    }

    /// Records that a code was refused.
    pub(super) fn refused(&self, keys: Vec<Key>, now: Duration) {
        let mut refusals = self.refusals.lock().ignore_poison();
        refusals.retain(|_, times| times.back().is_some_and(|time| is_recent(*time, now)));
        for key in keys {
            if refusals.len() >= MAX_KEYS && !refusals.contains_key(&key) {
                forget_least_recent(&mut refusals);
            }
            let times = refusals.entry(key).or_default();
            if times.len() >= MAX_REFUSALS {
                times.pop_front();
            }
            times.push_back(now);
        }
    }

    /// Records that a code was accepted, which resets Cognito's count as well.
    pub(super) fn accepted(&self, keys: Vec<Key>) {
        let mut refusals = self.refusals.lock().ignore_poison();
        for key in keys {
            refusals.remove(&key);
        }
    }
}

fn is_recent(time: Duration, now: Duration) -> bool {
    time + REFUSAL_WINDOW > now
}

fn forget_least_recent(refusals: &mut HashMap<Key, VecDeque<Duration>>) {
    let least = refusals.iter().min_by_key(|(_, times)| times.back()).map(|(key, _)| *key);
    if let Some(key) = least {
        refusals.remove(&key);
    }
}

#[cfg(test)]
mod tests {
    use sha2::Digest;

    use super::*;

    const fn minutes(minutes: u64) -> Duration {
        Duration::from_secs(60 * minutes)
    }

    fn key(name: &str) -> Vec<Key> {
        vec![sha2::Sha256::digest(name).into()]
    }

    #[test]
    fn the_sixth_attempt_waits_until_the_first_refusal_expires() {
        let guard = LockoutGuard::default();
        for minute in 0..5 {
            assert_eq!(guard.wait(key("a"), minutes(minute)), None);
            guard.refused(key("a"), minutes(minute));
        }
        assert_eq!(guard.wait(key("a"), minutes(5)), Some(minutes(10)));
        assert_eq!(guard.wait(key("b"), minutes(5)), None);
        assert_eq!(guard.wait(key("a"), minutes(15)), None);
    }

    #[test]
    fn a_refusal_counts_for_every_name_of_the_account() {
        let guard = LockoutGuard::default();
        (0..5).for_each(|_| guard.refused([key("a"), key("b")].concat(), minutes(0)));
        for names in [key("a"), key("b"), [key("c"), key("b")].concat()] {
            assert!(guard.wait(names, minutes(0)).is_some());
        }
        assert_eq!(guard.wait(key("c"), minutes(0)), None);
    }

    #[test]
    fn an_accepted_code_clears_the_count() {
        let guard = LockoutGuard::default();
        (0..5).for_each(|_| guard.refused(key("a"), minutes(0)));
        guard.accepted(key("a"));
        assert_eq!(guard.wait(key("a"), minutes(0)), None);
    }

    #[test]
    fn memory_stays_bounded() {
        let guard = LockoutGuard::default();
        for second in 0..5_000 {
            guard.refused(key("a"), Duration::from_secs(second));
            guard.refused(key(&format!("b{second}")), Duration::from_secs(second));
        }
        let now = Duration::from_secs(4_999);
        let kept = guard.refusals.lock().unwrap();
        // One credential a second, each for 15 minutes, and the first one.
        assert_eq!((kept.len(), kept[&key("a")[0]].len()), (15 * 60 + 1, MAX_REFUSALS));
        drop(kept);
        assert_eq!(guard.wait(key("a"), now), Some(REFUSAL_WINDOW - Duration::from_secs(4)));
    }

    #[test]
    fn many_credentials_at_once_push_out_the_least_recent() {
        let guard = LockoutGuard::default();
        (0..5).for_each(|_| guard.refused(key("a"), minutes(0)));
        for number in 1..MAX_KEYS {
            guard.refused(key(&number.to_string()), minutes(1));
        }
        assert!(guard.wait(key("a"), minutes(2)).is_some());
        guard.refused(key("one more"), minutes(2));
        assert_eq!(guard.refusals.lock().unwrap().len(), MAX_KEYS);
        assert_eq!(guard.wait(key("a"), minutes(2)), None);
    }
}
