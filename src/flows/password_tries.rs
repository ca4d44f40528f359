//! Limits the wrong passwords of a token, which does not count them itself.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use crate::oath::TokenId;
use crate::sync::IgnorePoison;

/// The number of wrong passwords until the first pause.
const MAX_TRIES: u32 = 5;

/// The first pause; each further wrong password doubles it, up to [`MAX_PAUSE`].
const PAUSE: Duration = Duration::from_secs(60);
const MAX_PAUSE: Duration = Duration::from_secs(60 * 60);

/// The maximum number of tokens that are kept; the one whose last try is the oldest is dropped first.
const MAX_TOKENS: usize = 256;

/// The wrong passwords of every token, in memory, by monotonic time.
#[derive(Debug, Default)]
pub(super) struct PasswordTries {
    tokens: Mutex<HashMap<TokenId, Tries>>,
}

#[derive(Clone, Copy, Debug)]
struct Tries {
    /// The number of wrong passwords in a row, with those that are being tried.
    count: u32,
    last: Duration,
}

impl Tries {
    fn pause(self) -> Duration {
        match self.count.checked_sub(MAX_TRIES) {
            None => Duration::ZERO,
            Some(more) => PAUSE.saturating_mul(1 << more.min(16)).min(MAX_PAUSE),
        }
    }

    /// Whether the next try begins a new row.
    fn is_old(self, now: Duration) -> bool {
        self.last + self.pause() + MAX_PAUSE <= now
    }
}

impl PasswordTries {
    /// Counts a try as a wrong one, until its result is known.
    ///
    /// # Errors
    ///
    /// The time until the next try is allowed.
    pub(super) fn begin(&self, token: &TokenId, now: Duration) -> Result<(), Duration> {
        let mut tokens = self.tokens.lock().ignore_poison();
        tokens.retain(|_, tries| !tries.is_old(now));
        if tokens.len() >= MAX_TOKENS && !tokens.contains_key(token) {
            let oldest = tokens.iter().min_by_key(|(_, tries)| tries.last).map(|(token, _)| token.clone());
            oldest.map(|oldest| tokens.remove(&oldest));
        }
        let tries = tokens.entry(token.clone()).or_insert(Tries { count: 0, last: now });
        let wait = (tries.last + tries.pause()).saturating_sub(now);
        if !wait.is_zero() {
            return Err(wait);
        }
        *tries = Tries { count: tries.count + 1, last: now };
        Ok(())
    }

    /// Takes a try back whose password was not refused; one that was accepted ends the row.
    pub(super) fn not_refused(&self, token: &TokenId, was_accepted: bool) {
        let mut tokens = self.tokens.lock().ignore_poison();
        if was_accepted {
            tokens.remove(token);
        } else if let Some(tries) = tokens.get_mut(token) {
            tries.count = tries.count.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn after_five_wrong_passwords_each_one_doubles_the_pause() {
        let tries = PasswordTries::default();
        let [token, other] = ["a", "b"].map(|value| TokenId::new("ykoath", value));
        for second in 0..5 {
            assert_eq!(tries.begin(&token, seconds(second)), Ok(()));
        }
        assert_eq!(tries.begin(&token, seconds(5)), Err(seconds(59)));
        assert_eq!(tries.begin(&other, seconds(5)), Ok(()));
        assert_eq!(tries.begin(&token, seconds(64)), Ok(()));
        assert_eq!(tries.begin(&token, seconds(65)), Err(seconds(119)));
        let mut now = seconds(184);
        for minutes in [4, 8, 16, 32, 60, 60] {
            assert_eq!(tries.begin(&token, now), Ok(()));
            assert_eq!(tries.begin(&token, now), Err(seconds(minutes * 60)));
            now += seconds(minutes * 60);
        }
        now += seconds(3_600);
        for _ in 0..5 {
            assert_eq!(tries.begin(&token, now), Ok(()), "a new row");
        }
    }

    #[test]
    fn only_refused_passwords_count_and_an_accepted_one_ends_the_row() {
        let (tries, token) = (PasswordTries::default(), TokenId::new("ykoath", "a"));
        for _ in 0..4 {
            assert_eq!(tries.begin(&token, seconds(0)), Ok(()));
        }
        for _ in 0..9 {
            assert_eq!(tries.begin(&token, seconds(0)), Ok(()));
            tries.not_refused(&token, false);
        }
        assert_eq!(tries.begin(&token, seconds(0)), Ok(()));
        assert!(tries.begin(&token, seconds(0)).is_err());
        tries.not_refused(&token, true);
        assert_eq!(tries.begin(&token, seconds(0)), Ok(()));
    }
}
