//! The deadline of a request, and the latest start of its parts.

use std::time::Duration;

use crate::clock::Clock;

/// The time that a submission needs before the deadline.
const SUBMISSION_TIME: Duration = Duration::from_secs(8);

/// The time after an action of a person: a submission, and a second to notice the action.
const TIME_AFTER_PERSON: Duration = Duration::from_secs(9);

/// The longest wait for a touch; no token waits longer.
const MAX_TOUCH_WAIT: Duration = Duration::from_secs(35);

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

    /// The time until the deadline; zero if it has passed.
    pub fn left(self, clock: &dyn Clock) -> Duration {
        self.0.saturating_sub(clock.monotonic())
    }

    /// The time until the latest start of a submission; `None` if it is too late.
    pub fn until_last_submission(self, clock: &dyn Clock) -> Option<Duration> {
        self.left(clock).checked_sub(SUBMISSION_TIME)
    }

    /// The time for which the request may wait for a person to plug in or unlock a token.
    pub fn person(self, clock: &dyn Clock) -> Duration {
        self.left(clock).saturating_sub(TIME_AFTER_PERSON)
    }

    /// The time for which the request may wait for a touch.
    pub fn touch(self, clock: &dyn Clock) -> Duration {
        self.person(clock).min(MAX_TOUCH_WAIT)
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
    fn a_jump_of_the_wall_clock_does_not_move_the_deadline() {
        let clock = ManualClock::at(seconds(59));
        let deadline = Deadline::after(seconds(22), &clock);
        clock.set_unix_time(seconds(5_000));
        assert_eq!(deadline.left(&clock), seconds(22));
    }
}
