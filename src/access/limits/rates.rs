//! Limits of rates by the generic cell rate algorithm (GCRA), with one value for each kind of request.

use std::time::Duration;

use super::{Allowed, CallClass, Refusal};

const MINUTE: Duration = Duration::from_secs(60);
const SECOND: Duration = Duration::from_secs(1);

/// What most quotas limit.
const OF_A_KIND: &str = "calls of this kind";

/// The kinds of requests that have a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rate {
    /// Messages of all kinds but queries, valid or not.
    Calls,
    Codes,
    Submissions,
    Unlocks,
    Changes,
    Reloads,
    Queries,
    /// Messages that lock or cancel. They have a quota of their own, so that no other messages of a connection use it up.
    Securing,
    Denials,
    /// Denied calls that lock or cancel.
    SecuringDenials,
    /// Submissions that the daemon refused itself.
    Refused,
}

/// The number of kinds.
const KINDS: usize = Rate::Refused as usize + 1;

/// The number of allowed requests in a time. In terms of GCRA, `one` is the emission interval, and `all` is the maximum time
/// by which the theoretical arrival time may be ahead.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quota {
    one: Duration,
    all: Duration,
    allowed: Allowed,
}

/// The recent requests of one program, one connection, or all programs. A whole quota may be used at once; after that it
/// refills by one request at a time.
#[derive(Debug, Default)]
pub(super) struct Rates {
    /// The theoretical arrival time of GCRA for each kind, in monotonic time. The whole quota is available again at that time.
    arrival: [Duration; KINDS],
    /// The number of submissions in progress, which are not in `arrival` yet.
    held: u32,
}

impl Rate {
    pub(super) fn of(class: CallClass) -> Option<Self> {
        match class {
            CallClass::Code => Some(Self::Codes),
            CallClass::Submission => Some(Self::Submissions),
            CallClass::Unlock => Some(Self::Unlocks),
            CallClass::Change => Some(Self::Changes),
            CallClass::Reload => Some(Self::Reloads),
            CallClass::Query | CallClass::Secure => None,
        }
    }

    /// The kind that every message counts for when it arrives, whatever its content.
    pub(super) fn of_arrival(class: CallClass) -> Self {
        match class {
            CallClass::Query => Self::Queries,
            CallClass::Secure => Self::Securing,
            _ => Self::Calls,
        }
    }

    /// The kind that a denied call counts for.
    pub(super) fn of_denial(class: CallClass) -> Self {
        if class == CallClass::Secure { Self::SecuringDenials } else { Self::Denials }
    }
}

impl Quota {
    /// `count` requests per minute, all of which may come at once.
    pub(super) fn per_minute(count: u32) -> Self {
        let allowed = Allowed { count, time: "minute", what: OF_A_KIND };
        Self { one: MINUTE / count.max(1), all: MINUTE, allowed }
    }

    /// `count` requests per second, all of which may come at once.
    pub(super) fn per_second(count: u32) -> Self {
        let allowed = Allowed { count, time: "second", what: OF_A_KIND };
        Self { one: SECOND / count.max(1), all: SECOND, allowed }
    }

    /// The same for other requests than those of a kind, in the words of [`Allowed::what`].
    pub(super) fn of(self, what: &'static str) -> Self {
        Self { allowed: Allowed { what, ..self.allowed }, ..self }
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

    /// Holds a share of the quota of submissions.
    pub(super) fn hold(&mut self) {
        self.held = self.held.saturating_add(1);
    }

    /// Releases such a share, and counts a submission that began at this time, if there is one.
    pub(super) fn release(&mut self, quota: Option<Quota>, counted: Option<Duration>) {
        self.held = self.held.saturating_sub(1);
        if let Some(at) = counted
            && let Some(Quota { one, .. }) = quota
            && let Some(arrival) = self.arrival.get_mut(Rate::Submissions as usize)
        {
            *arrival = (*arrival).max(at) + one;
        }
    }

    /// Whether each quota is fully available, so that this record can be dropped.
    pub(super) fn is_idle(&self, now: Duration) -> bool {
        self.held == 0 && self.arrival.iter().all(|arrival| *arrival <= now)
    }

    /// The theoretical arrival time after one more request.
    fn next(&self, rate: Rate, quota: Quota, now: Duration) -> Result<Duration, Refusal> {
        let held = if rate == Rate::Submissions { self.held } else { 0 };
        let arrival = self.arrival.get(rate as usize).copied().unwrap_or_default().max(now);
        let next = arrival + quota.one.saturating_mul(held.saturating_add(1));
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
    fn a_submission_holds_its_share_and_counts_at_its_end_unless_it_is_taken_back() {
        let clock = Arc::new(ManualClock::at(Duration::from_secs(1_000)));
        let two = config::Limits { submissions_per_minute: 2, ..config::Limits::default() };
        let two_of_all = config::Limits { all_submissions_per_minute: 2, ..config::Limits::default() };
        for limits in [two, two_of_all] {
            let limits = Limits::new(limits, clock.clone());
            let charge = || limits.charge("a", CallClass::Submission).ok().flatten();
            for _ in 0..10 {
                charge().unwrap().take_back();
            }
            let (first, second) = (charge().unwrap(), charge().unwrap());
            assert!(charge().is_none());
            // Both are taken back late, and neither leaves a trace.
            clock.advance(Duration::from_secs(7));
            first.take_back();
            drop(first);
            second.take_back();
            drop(second);
            // A submission that ends late counts from its start on.
            let (third, fourth) = (charge().unwrap(), charge().unwrap());
            clock.advance(Duration::from_secs(30));
            fourth.take_back();
            drop((third, fourth));
            assert!(charge().is_some() && charge().is_some());
            assert!(charge().is_none());
            clock.advance(MINUTE);
        }
    }

    #[test]
    fn requests_that_are_taken_back_have_a_limit_of_their_own() {
        let clock = Arc::new(ManualClock::at(Duration::from_secs(1_000)));
        let limits = Limits::new(config::Limits::default(), clock.clone());
        let charge = |program| limits.charge(program, CallClass::Submission);
        for _ in 0..60 {
            charge("a").unwrap().unwrap().take_back();
        }
        let allowed = Allowed { count: 60, time: "minute", what: "refused calls of this kind" };
        assert_eq!(charge("a").unwrap_err(), Refusal::RateLimited { wait: SECOND, allowed });
        assert!(limits.charge("a", CallClass::Code).is_ok() && charge("b").is_ok());
        clock.advance(SECOND);
        charge("a").unwrap().unwrap().take_back();
        assert!(charge("a").is_err());
    }
}
