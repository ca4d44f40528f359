//! The priorities of lines in the journal.

use std::os::fd::AsFd;

use rustix::fs::fstat;
use tracing::Level;

/// The environment variable in which systemd names the stream of the journal (systemd.exec(5)).
const STREAM: &str = "JOURNAL_STREAM";

/// The prefix that gives the journal the priority of a line (sd-daemon(3)): 3 for an error, 4 for a warning, and from 5
/// (notice) on for the lower levels, so that no two levels have one priority.
pub(super) fn prefix(level: Level) -> &'static str {
    match level {
        Level::ERROR => "<3>",
        Level::WARN => "<4>",
        Level::INFO => "<5>",
        Level::DEBUG => "<6>",
        Level::TRACE => "<7>",
    }
}

/// Whether standard error is the stream of the journal. A program that started this one with the variable may have
/// redirected standard error, to a terminal or a file for example.
pub(super) fn has_stderr() -> bool {
    std::env::var(STREAM).is_ok_and(|named| is_stream(&named, std::io::stderr()))
}

/// Whether a descriptor has the device and the inode that `DEVICE:INODE` names, both decimal.
fn is_stream(named: &str, descriptor: impl AsFd) -> bool {
    let Some((device, inode)) = named.split_once(':') else { return false };
    let (Ok(device), Ok(inode)) = (device.parse::<u64>(), inode.parse::<u64>()) else { return false };
    fstat(descriptor).is_ok_and(|status| (status.st_dev, status.st_ino) == (device, inode))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_named_stream_is_the_journal() {
        let (reader, _writer) = std::io::pipe().unwrap();
        let (other, _other_writer) = std::io::pipe().unwrap();
        let status = fstat(&reader).unwrap();
        let named = format!("{}:{}", status.st_dev, status.st_ino);
        assert!(is_stream(&named, &reader));
        assert!(!is_stream(&named, &other));
        for invalid in ["", "8", ":", "8:", "a:b", &format!("{named}:1"), &format!("-{named}")] {
            assert!(!is_stream(invalid, &reader), "{invalid}");
        }
    }
}
