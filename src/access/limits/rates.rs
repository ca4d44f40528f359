//! Limits of rates by the generic cell rate algorithm (GCRA), with one value for each kind of request.

use std::time::Duration;

use super::{Allowed, CallClass, Refusal};

const MINUTE: Duration = Duration::from_secs(60);
const SECOND: Duration = Duration::from_secs(1);

/// The kinds of requests that have a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rate {
    /// Messages of all kinds but queries, valid or not.
    Calls,
    Codes,
    Submissions,
    Unlocks,
    Reloads,
    Queries,
    Denials,
}

/// The number of kinds.
const KINDS: usize = Rate::Denials as usize + 1;

/// The number of allowed requests in a time. In terms of GCRA, `one` is the emission interval, and `all` is the maximum time
/// by which the theoretical arrival time may be ahead.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quota {
    pub(super) one: Duration,
    all: Duration,
    allowed: Allowed,
}

/// The recent requests of one program, one connection, or all programs. A whole quota may be used at once; after that it
/// refills by one request at a time.
#[derive(Debug, Default)]
pub(super) struct Rates {
    /// The theoretical arrival time of GCRA for each kind, in monotonic time. The whole quota is available again at that time.
    arrival: [Duration; KINDS],
}

impl Rate {
    pub(super) fn of(class: CallClass) -> Option<Self> {
        match class {
            CallClass::Code => Some(Self::Codes),
            CallClass::Submission => Some(Self::Submissions),
            CallClass::Unlock => Some(Self::Unlocks),
            CallClass::Reload => Some(Self::Reloads),
            CallClass::Query | CallClass::Secure => None,
        }
    }

    /// The kind that every message counts for when it arrives, whatever its content.
    pub(super) fn of_arrival(class: CallClass) -> Self {
        match class {
            CallClass::Query | CallClass::Secure => Self::Queries,
            _ => Self::Calls,
        }
    }
}

impl Quota {
    /// `count` requests per minute, all of which may come at once.
    pub(super) fn per_minute(count: u32) -> Self {
        Self { one: MINUTE / count.max(1), all: MINUTE, allowed: Allowed { count, time: "minute" } }
    }

    /// `count` requests per second, all of which may come at once.
    pub(super) fn per_second(count: u32) -> Self {
        Self { one: SECOND / count.max(1), all: SECOND, allowed: Allowed { count, time: "second" } }
    }
}

impl Rates {
    /// Refuses one more request if it would exceed the quota; without a quota nothing is refused. `now` is monotonic time.
    pub(super) fn check(&self, rate: Rate, quota: Option<Quota>, now: Duration) -> Result<(), Refusal> {
        quota.map_or(Ok(()), |quota| self.next(rate, quota, now).map(drop))
    }

    /// Counts one more request, unless it exceeds the quota.
    pub(super) fn count(&mut self, rate: Rate, quota: Option<Quota>, now: Duration) {
        if let Some(Ok(next)) = quota.map(|quota| self.next(rate, quota, now))
            && let Some(arrival) = self.arrival.get_mut(rate as usize)
        {
            *arrival = next;
        }
    }

    /// Makes room again, by so much of a quota as a request that was counted may still use up.
    pub(super) fn give_back(&mut self, rate: Rate, share: Duration) {
        if let Some(arrival) = self.arrival.get_mut(rate as usize) {
            *arrival = arrival.saturating_sub(share);
        }
    }

    /// Whether each quota is fully available, so that this record can be dropped.
    pub(super) fn is_idle(&self, now: Duration) -> bool {
        self.arrival.iter().all(|arrival| *arrival <= now)
    }

    /// The theoretical arrival time after one more request.
    fn next(&self, rate: Rate, quota: Quota, now: Duration) -> Result<Duration, Refusal> {
        let next = self.arrival.get(rate as usize).copied().unwrap_or_default().max(now) + quota.one;
        match next.checked_sub(now + quota.all).filter(|wait| !wait.is_zero()) {
            Some(wait) => Err(Refusal::RateLimited { wait, allowed: quota.allowed }),
            None => Ok(next),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::access::Limits;
    use crate::clock::ManualClock;
    use crate::config;

    #[test]
    fn a_request_that_is_taken_back_makes_room_for_one_and_only_for_its_rest() {
        let clock = Arc::new(ManualClock::at(Duration::from_secs(1_000)));
        let config = config::Limits { submissions_per_minute: 2, ..config::Limits::default() };
        let limits = Limits::new(config, clock.clone());
        let charge = || limits.charge("a", CallClass::Submission).ok().flatten();
        for _ in 0..10 {
            limits.take_back("a", charge().unwrap());
        }
        let (old, _) = (charge().unwrap(), charge().unwrap());
        assert_eq!(charge(), None, "a refused request takes nothing back");
        // Its whole share has refilled, so nothing of it is left to be given back.
        clock.advance(Duration::from_secs(30));
        charge().unwrap();
        limits.take_back("a", old);
        assert_eq!(charge(), None);
    }
}
