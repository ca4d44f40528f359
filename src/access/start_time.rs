//! The time at which a process started.

use std::fs;
use std::io::{self, ErrorKind};

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
    ///
    /// `/proc/uptime` has hundredths of a second, which are clock ticks (USER_HZ) on all current architectures. The system
    /// calls for both need `/proc/self/auxv` in rustix, which a program that is closed to debuggers cannot read before
    /// Linux 6.4.
    ///
    /// # Errors
    ///
    /// The file system `/proc` is missing.
    pub(super) fn now() -> io::Result<Self> {
        let text = fs::read_to_string("/proc/uptime")?;
        let uptime = text.split_ascii_whitespace().next().and_then(|uptime| uptime.split_once('.'));
        let ticks = uptime.and_then(|(seconds, hundredths)| format!("{seconds}{hundredths}").parse().ok());
        ticks.map(Self).ok_or_else(|| ErrorKind::InvalidData.into())
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
        while StartTime::now().unwrap() <= own {
            thread::yield_now();
        }
        let before = StartTime::now().unwrap();
        let mut child = Command::new("true").spawn().unwrap();
        let later = StartTime::of(child.id()).unwrap();
        child.wait().unwrap();
        let after = StartTime::now().unwrap();
        assert!(own < before && before <= later && later <= after, "{own:?} {before:?} {later:?} {after:?}");
        assert!(StartTime::of(child.id()).is_err());
    }
}
