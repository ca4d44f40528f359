//! How much in how much time.

use std::time::Duration;

use super::{Refusal, What};

/// So much time's worth of codes, submissions and passwords may come at once.
const MINUTE: Duration = Duration::from_secs(60);

/// So much time's worth of queries may come at once: enough for a program that starts and looks at everything.
const START: Duration = Duration::from_secs(1);

/// What may be had; nothing where there is no limit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowance {
    pub(super) codes_per_minute: Option<u32>,
    pub(super) submissions_per_minute: Option<u32>,
    pub(super) unlocks_per_minute: Option<u32>,
    pub(super) queries_per_second: Option<u32>,
}

/// What was had lately, by one or by all.
#[derive(Debug, Default)]
pub(super) struct Rates {
    codes: Bucket,
    submissions: Bucket,
    unlocks: Bucket,
    queries: Bucket,
}

/// A bucket that leaks evenly: it may be filled at once, and then there is room for one at a time.
#[derive(Debug, Default)]
struct Bucket {
    /// When it will be empty, by monotonic time.
    empty: Duration,
}

/// How long a bucket takes to lose one, and to lose all.
#[derive(Clone, Copy, Debug)]
struct Leak {
    one: Duration,
    all: Duration,
}

impl Rates {
    /// Whether one more would be too much. `now` is monotonic time.
    pub(super) fn check(&self, allowance: Allowance, what: What, now: Duration) -> Result<(), Refusal> {
        let bucket = match what {
            What::Code => &self.codes,
            What::Submission => &self.submissions,
            What::Unlock => &self.unlocks,
            What::Query => &self.queries,
            What::Other => return Ok(()),
        };
        allowance.leak(what).map_or(Ok(()), |leak| bucket.filled(leak, now).map(drop))
    }

    /// Counts one more, as [`Rates::check`] allowed.
    pub(super) fn count(&mut self, allowance: Allowance, what: What, now: Duration) {
        let bucket = match what {
            What::Code => &mut self.codes,
            What::Submission => &mut self.submissions,
            What::Unlock => &mut self.unlocks,
            What::Query => &mut self.queries,
            What::Other => return,
        };
        if let Some(Ok(filled)) = allowance.leak(what).map(|leak| bucket.filled(leak, now)) {
            bucket.empty = filled;
        }
    }

    /// Nothing is to be known of it any more.
    pub(super) fn is_idle(&self, now: Duration) -> bool {
        let buckets = [&self.codes, &self.submissions, &self.unlocks, &self.queries];
        buckets.iter().all(|bucket| bucket.empty <= now)
    }
}

impl Allowance {
    fn leak(self, what: What) -> Option<Leak> {
        let minute = |count: u32| Leak { one: MINUTE / count.max(1), all: MINUTE };
        match what {
            What::Code => self.codes_per_minute.map(minute),
            What::Submission => self.submissions_per_minute.map(minute),
            What::Unlock => self.unlocks_per_minute.map(minute),
            What::Query => {
                let second = Duration::from_secs(1);
                self.queries_per_second.map(|count| Leak { one: second / count.max(1), all: START })
            }
            What::Other => None,
        }
    }
}

impl Bucket {
    /// When it would be empty after one more.
    fn filled(&self, leak: Leak, now: Duration) -> Result<Duration, Refusal> {
        let filled = self.empty.max(now) + leak.one;
        match filled.checked_sub(now + leak.all).filter(|wait| !wait.is_zero()) {
            Some(wait) => Err(Refusal::RateLimited { wait }),
            None => Ok(filled),
        }
    }
}
