//! Times for people: the wall clock of this computer's time zone, and the time that is left.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// From here on a wait is told in minutes.
const IN_MINUTES: u64 = 120;

/// When to try again, such as `in 12 s (at 09:35:00)`. `at` is Unix time in seconds, `now` Unix time.
pub(super) fn until(at: u64, now: Duration) -> String {
    until_in(&TimeZone::system(), at, now)
}

fn until_in(zone: &TimeZone, at: u64, now: Duration) -> String {
    let wait = seconds_left(at, now);
    let wait =
        if wait < IN_MINUTES { format!("in {wait} s") } else { format!("in {} min", wait.div_ceil(60)) };
    match shown(zone, at, "%H:%M:%S") {
        Some(time) => format!("{wait} (at {time})"),
        None => wait,
    }
}

/// A date and time of day, such as `2027-01-15 09:00:00`; after the year 9999 the number of seconds.
pub(super) fn date_and_time(unix: Duration) -> String {
    date_and_time_in(&TimeZone::system(), unix.as_secs())
}

fn date_and_time_in(zone: &TimeZone, unix: u64) -> String {
    shown(zone, unix, "%Y-%m-%d %H:%M:%S").unwrap_or_else(|| format!("{unix} s"))
}

fn shown(zone: &TimeZone, unix: u64, format: &str) -> Option<String> {
    let time = Timestamp::from_second(i64::try_from(unix).ok()?).ok()?;
    Some(time.to_zoned(zone.clone()).strftime(format).to_string())
}

/// The whole seconds until a Unix time, rounded up; 0 if it has passed.
pub(super) fn seconds_left(at: u64, now: Duration) -> u64 {
    let left = Duration::from_secs(at).saturating_sub(now);
    left.as_secs() + u64::from(left.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use jiff::tz::Offset;

    use super::*;

    #[test]
    fn a_time_is_local_and_a_wait_is_rounded_up() {
        let zone = TimeZone::fixed(Offset::constant(1));
        let now = Duration::from_millis(1_800_000_017_500);
        assert_eq!(until_in(&zone, 1_800_000_030, now), "in 13 s (at 09:00:30)");
        assert_eq!(until_in(&zone, 1_800_000_137, now), "in 2 min (at 09:02:17)");
        assert_eq!(until_in(&zone, 5, now), "in 0 s (at 01:00:05)");
        assert_eq!(until_in(&zone, u64::MAX, Duration::from_secs(u64::MAX - 3)), "in 3 s");
    }

    #[test]
    fn a_date_is_local() {
        let zone = TimeZone::fixed(Offset::constant(1));
        assert_eq!(date_and_time_in(&zone, 1_800_000_000), "2027-01-15 09:00:00");
        assert_eq!(date_and_time_in(&zone, u64::MAX), "18446744073709551615 s");
    }
}
