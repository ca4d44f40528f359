//! The reports that a virtual key sends. Every program that has its interface open gets each of them.

use std::collections::VecDeque;

/// The number of reports that a program may be behind.
const MAX_REPORTS: usize = 8_192;

/// The newest reports, oldest first.
#[derive(Debug, Default)]
pub(super) struct ReportQueue {
    newest: VecDeque<Vec<u8>>,
    /// The number of all reports.
    sent: u64,
}

impl ReportQueue {
    pub(super) fn push(&mut self, reports: Vec<Vec<u8>>) {
        self.sent += reports.len() as u64;
        self.newest.extend(reports);
        let excess = self.newest.len().saturating_sub(MAX_REPORTS);
        self.newest.drain(..excess);
    }

    /// The report with this number, and the number of the next one; `None` if it was not sent yet.
    pub(super) fn report(&self, number: u64) -> Option<(&[u8], u64)> {
        let oldest = self.sent - self.newest.len() as u64;
        let number = number.max(oldest);
        let report = self.newest.get(usize::try_from(number - oldest).ok()?)?;
        Some((report, number + 1))
    }

    /// The number of the next report.
    pub(super) fn next(&self) -> u64 {
        self.sent
    }
}
