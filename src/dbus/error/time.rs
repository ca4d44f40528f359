//! Times in sentences.

use std::time::Duration;

/// Whole seconds, rounded up: so that a later attempt is not too early.
pub(super) fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

/// Hours, minutes and seconds of the day, in UTC.
pub(super) fn time_of_day(unix: Duration) -> String {
    let seconds = whole_seconds(unix) % 86_400;
    format!("{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}
