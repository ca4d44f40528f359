//! When a request has to be answered, and what may still be begun before that.

use std::time::Duration;

use crate::clock::Clock;

/// A submission that starts later than this before the deadline may not be answered in time.
const SUBMISSION: Duration = Duration::from_secs(8);

/// What a person does has to leave room for a submission, and a second to notice it.
const AFTER_PERSON: Duration = Duration::from_secs(9);

/// No token waits longer for a touch.
const LONGEST_TOUCH: Duration = Duration::from_secs(35);

/// A point in monotonic time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline(Duration);

impl Deadline {
    /// The point `timeout` after now.
    pub fn after(timeout: Duration, clock: &dyn Clock) -> Self {
        Self::since(clock.monotonic(), timeout)
    }

    /// The point `timeout` after `moment`, which is monotonic time.
    pub fn since(moment: Duration, timeout: Duration) -> Self {
        Self(moment.saturating_add(timeout))
    }

    /// How long it is until then; zero when it has passed.
    pub fn left(self, clock: &dyn Clock) -> Duration {
        self.0.saturating_sub(clock.monotonic())
    }

    /// How long a submission may still be put off; `None` when it is too late for one.
    pub fn until_last_submission(self, clock: &dyn Clock) -> Option<Duration> {
        self.left(clock).checked_sub(SUBMISSION)
    }

    /// How long a person may be waited for: to plug a token in, to unlock it, to touch it.
    pub fn person(self, clock: &dyn Clock) -> Duration {
        self.left(clock).saturating_sub(AFTER_PERSON)
    }

    /// How long a touch may be waited for.
    pub fn touch(self, clock: &dyn Clock) -> Duration {
        self.person(clock).min(LONGEST_TOUCH)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn submissions_end_eight_seconds_and_touches_nine_before_the_deadline() {
        let clock = ManualClock::at(seconds(59));
        let deadline = Deadline::after(seconds(22), &clock);
        assert_eq!(deadline.until_last_submission(&clock), Some(seconds(14)));
        assert_eq!(deadline.touch(&clock), seconds(13));
        clock.advance(seconds(14));
        assert_eq!(deadline.until_last_submission(&clock), Some(Duration::ZERO));
        assert_eq!(deadline.touch(&clock), Duration::ZERO);
        clock.advance(Duration::from_nanos(1));
        assert_eq!(deadline.until_last_submission(&clock), None);
        let long = Deadline::after(seconds(900), &clock);
        assert_eq!((long.touch(&clock), long.person(&clock)), (seconds(35), seconds(891)));
    }

    #[test]
    fn wall_clock_jumps_don_t_move_it() {
        let clock = ManualClock::at(seconds(59));
        let deadline = Deadline::after(seconds(22), &clock);
        clock.set_unix_time(seconds(5_000));
        assert_eq!(deadline.left(&clock), seconds(22));
    }
}
