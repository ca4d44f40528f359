//! How much in how much time.

use std::collections::HashMap;
use std::time::Duration;

use super::{Refusal, What};

const MINUTE: Duration = Duration::from_secs(60);
const SECOND: Duration = Duration::from_secs(1);

/// What is counted in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Rate {
    Codes,
    Submissions,
    Unlocks,
    Reloads,
    Queries,
    Denials,
}

/// How fast a bucket loses what was put into it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leak {
    one: Duration,
    all: Duration,
}

/// What was had lately, by one or by all: buckets that leak evenly. One may be filled at once, and then there is room
/// for one at a time.
#[derive(Debug, Default)]
pub(super) struct Rates {
    /// When each bucket will be empty, by monotonic time.
    empty: HashMap<Rate, Duration>,
}

impl Rate {
    pub(super) fn of(what: What) -> Option<Self> {
        match what {
            What::Code => Some(Self::Codes),
            What::Submission => Some(Self::Submissions),
            What::Unlock => Some(Self::Unlocks),
            What::Reload => Some(Self::Reloads),
            What::Query | What::Secure => None,
        }
    }
}

impl Leak {
    /// A minute's worth may come at once.
    pub(super) fn per_minute(count: u32) -> Self {
        Self { one: MINUTE / count.max(1), all: MINUTE }
    }

    /// A second's worth may come at once.
    pub(super) fn per_second(count: u32) -> Self {
        Self { one: SECOND / count.max(1), all: SECOND }
    }
}

impl Rates {
    /// Whether one more would be too much; it never is where nothing leaks. `now` is monotonic time.
    pub(super) fn check(&self, rate: Rate, leak: Option<Leak>, now: Duration) -> Result<(), Refusal> {
        leak.map_or(Ok(()), |leak| self.filled(rate, leak, now).map(drop))
    }

    /// Counts one more, as far as there is room.
    pub(super) fn count(&mut self, rate: Rate, leak: Option<Leak>, now: Duration) {
        if let Some(Ok(filled)) = leak.map(|leak| self.filled(rate, leak, now)) {
            self.empty.insert(rate, filled);
        }
    }

    /// Nothing is to be known of it any more.
    pub(super) fn is_idle(&self, now: Duration) -> bool {
        self.empty.values().all(|empty| *empty <= now)
    }

    /// When the bucket would be empty after one more.
    fn filled(&self, rate: Rate, leak: Leak, now: Duration) -> Result<Duration, Refusal> {
        let filled = self.empty.get(&rate).copied().unwrap_or_default().max(now) + leak.one;
        match filled.checked_sub(now + leak.all).filter(|wait| !wait.is_zero()) {
            Some(wait) => Err(Refusal::RateLimited { wait }),
            None => Ok(filled),
        }
    }
}
