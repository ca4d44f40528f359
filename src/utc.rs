//! Unix time in human-readable form, in UTC.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::Offset;

/// RFC 3339 without fractions, such as `2009-02-13T23:31:30Z`; after the year 9999 the number of seconds.
pub fn rfc3339(unix: Duration) -> String {
    timestamp(unix).map_or_else(|| format!("{} s", unix.as_secs()), |time| time.to_string())
}

/// The time of day, such as `23:31:30`, rounded up to a whole second, so that a later attempt is not too early. After the
/// year 9999 the number of seconds.
pub fn time_of_day(unix: Duration) -> String {
    let whole = Duration::from_secs(whole_seconds(unix));
    timestamp(whole).map_or_else(
        || format!("{} s", whole.as_secs()),
        |time| Offset::UTC.to_datetime(time).time().to_string(),
    )
}

/// Whole seconds, rounded up.
pub fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs().saturating_add(u64::from(duration.subsec_nanos() > 0))
}

fn timestamp(unix: Duration) -> Option<Timestamp> {
    Timestamp::from_second(unix.as_secs().try_into().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_the_form_of_rfc_3339() {
        // RFC 6238, appendix B.
        assert_eq!(rfc3339(Duration::from_secs(1_234_567_890)), "2009-02-13T23:31:30Z");
        assert_eq!(rfc3339(Duration::from_millis(20_000_000_000_999)), "2603-10-11T11:33:20Z");
        assert_eq!(rfc3339(Duration::ZERO), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(Duration::from_secs(253_402_300_800)), "253402300800 s");
        assert_eq!(rfc3339(Duration::MAX), "18446744073709551615 s");
    }

    #[test]
    fn the_time_of_day_is_rounded_up() {
        assert_eq!(time_of_day(Duration::from_secs(1_234_567_890)), "23:31:30");
        assert_eq!(time_of_day(Duration::from_millis(1_234_567_889_001)), "23:31:30");
        assert_eq!(time_of_day(Duration::from_millis(86_399_500)), "00:00:00");
        assert_eq!(time_of_day(Duration::MAX), "18446744073709551615 s");
    }
}
