//! The time at which a process started.

use std::fs;
use std::io::{self, ErrorKind};

use rustix::param::clock_ticks_per_second;
use rustix::time::{ClockId, clock_gettime};

const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// A time in clock ticks since boot, the unit of `/proc/PID/stat`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct StartTime(u64);

impl StartTime {
    /// The start of the process: field 22 of `/proc/PID/stat` (proc_pid_stat(5)).
    ///
    /// # Errors
    ///
    /// The process has ended.
    pub(super) fn of(process: u32) -> io::Result<Self> {
        let text = fs::read(format!("/proc/{process}/stat"))?;
        // The name may contain blanks and parentheses; the text after the last parenthesis does not.
        let fields = text.rsplit(|byte| *byte == b')').next().and_then(|rest| str::from_utf8(rest).ok());
        let ticks = fields.and_then(|fields| fields.split_ascii_whitespace().nth(19)?.parse().ok());
        ticks.map(Self).ok_or_else(|| ErrorKind::InvalidData.into())
    }

    /// The start of a process that starts now. A process whose start is less has been running.
    pub(super) fn now() -> Self {
        let now = clock_gettime(ClockId::Boottime);
        let (seconds, nanos) = (now.tv_sec.unsigned_abs(), now.tv_nsec.unsigned_abs());
        let ticks = clock_ticks_per_second().max(1);
        Self(seconds * ticks + nanos / (NANOS_PER_SECOND / ticks).max(1))
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::thread;

    use super::*;

    #[test]
    fn a_process_that_runs_has_started_before_and_a_later_one_has_not() {
        let own = StartTime::of(std::process::id()).unwrap();
        while StartTime::now() <= own {
            thread::yield_now();
        }
        let before = StartTime::now();
        let mut child = Command::new("true").spawn().unwrap();
        let later = StartTime::of(child.id()).unwrap();
        child.wait().unwrap();
        let after = StartTime::now();
        assert!(own < before && before <= later && later <= after, "{own:?} {before:?} {later:?} {after:?}");
        assert!(StartTime::of(child.id()).is_err());
    }
}
