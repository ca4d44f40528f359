//! Limits the refused codes of an account: Cognito locks an account after five, so the daemon stops before. Refusals of one
//! account do not count for another one, which has the same credential by chance or by intent.

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use crate::sync::IgnorePoison;

/// The maximum number of refusals in [`REFUSAL_WINDOW`]; after that no code is submitted.
const MAX_REFUSALS: usize = 5;

/// The time after which Cognito forgets a failure.
const REFUSAL_WINDOW: Duration = Duration::from_secs(15 * 60);

/// The maximum number of keys with kept refusals; the least recently refused one is dropped first. A key needs an answer of
/// Cognito about a real account, and a minute has few submissions, so this limit is never reached by accident.
const MAX_KEYS: usize = 1_024;

/// A name of an account, hashed.
pub(super) type Key = [u8; 32];

/// The refusals of every account, in memory, by monotonic time.
#[derive(Debug, Default)]
pub(super) struct LockoutGuard {
    /// The refusals of each key, at most [`MAX_REFUSALS`] that count, oldest first; never empty.
    refusals: Mutex<HashMap<Key, VecDeque<Refusal>>>,
    /// Told when a code was answered.
    answered: Notify,
}

/// Why no code may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Blocked {
    /// The time until a code may be sent, if no other code is accepted before.
    pub(super) wait: Duration,
    /// Whether codes that are not answered yet decide it.
    pub(super) is_pending: bool,
}

/// A code that was refused, or that may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Refusal {
    at: Duration,
    /// Whether the answer is missing. Without this, codes that are sent at once could be too many.
    is_pending: bool,
}

/// A code that is about to be sent. It counts as a refusal, also if it is dropped.
#[derive(Debug)]
#[must_use = "the answer must be recorded"]
pub(super) struct Pending {
    keys: Vec<Key>,
    refusal: Refusal,
}

impl LockoutGuard {
    /// Checks whether a code may be sent now.
    ///
    /// # Errors
    ///
    /// [`Blocked`].
    pub(super) fn check(&self, keys: &[Key], now: Duration) -> Result<(), Blocked> {
        check(&mut self.refusals.lock().ignore_poison(), keys, now)
    }

    /// Completes when a code is answered after this call.
    pub(super) fn answered(&self) -> Notified<'_> {
        self.answered.notified()
    }

    /// Counts a code that is about to be sent.
    ///
    /// # Errors
    ///
    /// [`Blocked`].
    pub(super) fn begin(&self, keys: Vec<Key>, now: Duration) -> Result<Pending, Blocked> {
        let mut refusals = self.refusals.lock().ignore_poison();
        check(&mut refusals, &keys, now)?;
        let refusal = Refusal { at: now, is_pending: true };
        add(&mut refusals, &keys, refusal);
        Ok(Pending { keys, refusal })
    }

    /// Records that the code was refused.
    pub(super) fn refused(&self, pending: Pending, now: Duration) {
        let mut refusals = self.refusals.lock().ignore_poison();
        remove(&mut refusals, &pending);
        add(&mut refusals, &pending.keys, Refusal { at: now, is_pending: false });
        self.answered.notify_waiters();
    }

    /// Records that the code was accepted, which resets Cognito's count as well.
    pub(super) fn accepted(&self, pending: Pending) {
        let mut refusals = self.refusals.lock().ignore_poison();
        remove(&mut refusals, &pending);
        for key in pending.keys {
            // Codes of other requests may still be on their way.
            let left = refusals.get_mut(&key).map(|kept| kept.retain(|refusal| refusal.is_pending));
            if left.is_some() && refusals.get(&key).is_some_and(VecDeque::is_empty) {
                refusals.remove(&key);
            }
        }
        self.answered.notify_waiters();
    }

    /// Records that the code was not sent, or that the answer says nothing about it.
    pub(super) fn not_refused(&self, pending: Pending) {
        remove(&mut self.refusals.lock().ignore_poison(), &pending);
        self.answered.notify_waiters();
    }
}

fn check(refusals: &mut HashMap<Key, VecDeque<Refusal>>, keys: &[Key], now: Duration) -> Result<(), Blocked> {
    let blocked = |key| {
        let kept: &mut VecDeque<Refusal> = refusals.get_mut(key)?;
        kept.retain(|refusal| is_recent(refusal.at, now));
        let oldest = kept.front().filter(|_| kept.len() >= MAX_REFUSALS)?;
        let wait = (oldest.at + REFUSAL_WINDOW).saturating_sub(now);
        Some(Blocked { wait, is_pending: kept.iter().any(|refusal| refusal.is_pending) })
    };
    let all: Vec<_> = keys.iter().filter_map(blocked).collect();
    let Some(wait) = all.iter().map(|blocked| blocked.wait).max() else { return Ok(()) };
    Err(Blocked { wait, is_pending: all.iter().all(|blocked| blocked.is_pending) })
}

fn add(refusals: &mut HashMap<Key, VecDeque<Refusal>>, keys: &[Key], refusal: Refusal) {
    refusals.retain(|_, kept| kept.back().is_some_and(|last| is_recent(last.at, refusal.at)));
    for key in keys {
        if refusals.len() >= MAX_KEYS && !refusals.contains_key(key) {
            forget_least_recent(refusals);
        }
        let kept = refusals.entry(*key).or_default();
        if kept.len() >= MAX_REFUSALS {
            kept.pop_front();
        }
        kept.push_back(refusal);
    }
}

fn remove(refusals: &mut HashMap<Key, VecDeque<Refusal>>, pending: &Pending) {
    for key in &pending.keys {
        let Some(kept) = refusals.get_mut(key) else { continue };
        if let Some(place) = kept.iter().position(|refusal| *refusal == pending.refusal) {
            kept.remove(place);
        }
        if kept.is_empty() {
            refusals.remove(key);
        }
    }
}

fn is_recent(time: Duration, now: Duration) -> bool {
    time + REFUSAL_WINDOW > now
}

fn forget_least_recent(refusals: &mut HashMap<Key, VecDeque<Refusal>>) {
    let least = refusals.iter().min_by_key(|(_, kept)| kept.back().map(|last| last.at)).map(|(key, _)| *key);
    if let Some(key) = least {
        refusals.remove(&key);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use sha2::Digest;

    use super::*;

    const fn minutes(minutes: u64) -> Duration {
        Duration::from_secs(60 * minutes)
    }

    fn key(name: &str) -> Vec<Key> {
        vec![sha2::Sha256::digest(name).into()]
    }

    /// The time to wait; `None` if a code may be sent.
    fn wait(guard: &LockoutGuard, keys: &[Key], now: Duration) -> Option<Duration> {
        guard.check(keys, now).err().map(|blocked| blocked.wait)
    }

    fn refuse(guard: &LockoutGuard, keys: Vec<Key>, now: Duration) {
        let refusal = Refusal { at: now, is_pending: true };
        guard.refused(Pending { keys, refusal }, now);
    }

    #[test]
    fn the_sixth_attempt_waits_until_the_first_refusal_expires() {
        let guard = LockoutGuard::default();
        for minute in 0..5 {
            assert_eq!(wait(&guard, &key("a"), minutes(minute)), None);
            refuse(&guard, key("a"), minutes(minute));
        }
        assert_eq!(wait(&guard, &key("a"), minutes(5)), Some(minutes(10)));
        assert_eq!(wait(&guard, &key("b"), minutes(5)), None);
        assert_eq!(wait(&guard, &key("a"), minutes(15)), None);
    }

    #[test]
    fn a_code_on_its_way_counts_until_it_is_answered() {
        let guard = LockoutGuard::default();
        let mut pending: Vec<_> = (0..5).map(|_| guard.begin(key("a"), minutes(0)).unwrap()).collect();
        let blocked = Blocked { wait: minutes(14), is_pending: true };
        assert_eq!(guard.begin(key("a"), minutes(1)).unwrap_err(), blocked);
        guard.not_refused(pending.pop().unwrap());
        guard.not_refused(guard.begin(key("a"), minutes(1)).unwrap());
        guard.accepted(pending.pop().unwrap());
        let more = [(); 2].map(|()| guard.begin(key("a"), minutes(1)).unwrap());
        assert!(guard.begin(key("a"), minutes(1)).is_err(), "three older ones are still on their way");
        more.into_iter().for_each(|pending| guard.not_refused(pending));
        pending.into_iter().for_each(|pending| guard.refused(pending, minutes(2)));
        assert_eq!(wait(&guard, &key("a"), minutes(2)), None);
        assert_eq!(guard.refusals.lock().unwrap()[&key("a")[0]].len(), 3);
    }

    #[test]
    fn only_codes_on_their_way_can_open_the_account_again() {
        let guard = LockoutGuard::default();
        (0..4).for_each(|_| refuse(&guard, [key("a"), key("b")].concat(), minutes(0)));
        let pending = guard.begin(key("a"), minutes(0)).unwrap();
        assert!(guard.check(&key("a"), minutes(0)).unwrap_err().is_pending);
        refuse(&guard, key("b"), minutes(0));
        assert!(!guard.check(&key("b"), minutes(0)).unwrap_err().is_pending);
        assert!(!guard.check(&[key("a"), key("b")].concat(), minutes(0)).unwrap_err().is_pending);
        let answered = guard.answered();
        guard.refused(pending, minutes(0));
        assert!(answered.now_or_never().is_some());
        assert!(!guard.check(&key("a"), minutes(0)).unwrap_err().is_pending);
    }

    #[test]
    fn a_refusal_counts_for_every_name_of_the_account() {
        let guard = LockoutGuard::default();
        (0..5).for_each(|_| refuse(&guard, [key("a"), key("b")].concat(), minutes(0)));
        for names in [key("a"), key("b"), [key("c"), key("b")].concat()] {
            assert!(wait(&guard, &names, minutes(0)).is_some());
        }
        assert_eq!(wait(&guard, &key("c"), minutes(0)), None);
    }

    #[test]
    fn an_accepted_code_clears_the_count() {
        let guard = LockoutGuard::default();
        let pending = guard.begin(key("a"), minutes(0)).unwrap();
        (0..4).for_each(|_| refuse(&guard, key("a"), minutes(0)));
        guard.accepted(pending);
        assert_eq!(wait(&guard, &key("a"), minutes(0)), None);
    }

    #[test]
    fn memory_stays_bounded() {
        let guard = LockoutGuard::default();
        for second in 0..5_000 {
            refuse(&guard, key("a"), Duration::from_secs(second));
            refuse(&guard, key(&format!("b{second}")), Duration::from_secs(second));
        }
        let now = Duration::from_secs(4_999);
        let kept = guard.refusals.lock().unwrap();
        // One credential a second, each for 15 minutes, and the first one.
        assert_eq!((kept.len(), kept[&key("a")[0]].len()), (15 * 60 + 1, MAX_REFUSALS));
        drop(kept);
        assert_eq!(wait(&guard, &key("a"), now), Some(REFUSAL_WINDOW - Duration::from_secs(4)));
    }

    #[test]
    fn many_credentials_at_once_push_out_the_least_recent() {
        let guard = LockoutGuard::default();
        (0..5).for_each(|_| refuse(&guard, key("a"), minutes(0)));
        for number in 1..MAX_KEYS {
            refuse(&guard, key(&number.to_string()), minutes(1));
        }
        assert!(wait(&guard, &key("a"), minutes(2)).is_some());
        refuse(&guard, key("one more"), minutes(2));
        assert_eq!(guard.refusals.lock().unwrap().len(), MAX_KEYS);
        assert_eq!(wait(&guard, &key("a"), minutes(2)), None);
    }
}
