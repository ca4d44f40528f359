//! The reports that a virtual key sends, in one queue for each program that has its interface open. The queue is part of the
//! key and stands for that of the kernel, also where the key is attached to a real one.

use std::collections::{BTreeMap, VecDeque};

/// The number of reports that a program may be behind: `HIDRAW_BUFFER_SIZE` of Linux (`drivers/hid/hidraw.c`) less the place
/// that its ring keeps free.
const MAX_REPORTS: usize = 63;

/// The reports that each program has not read yet. As in the kernel, a full queue drops the newest report.
#[derive(Debug, Default)]
pub(super) struct ReportQueue {
    programs: BTreeMap<u64, VecDeque<Vec<u8>>>,
    opened: u64,
}

impl ReportQueue {
    /// A queue for one more program; returns its number.
    pub(super) fn open(&mut self) -> u64 {
        self.opened += 1;
        self.programs.insert(self.opened, VecDeque::new());
        self.opened
    }

    pub(super) fn close(&mut self, program: u64) {
        self.programs.remove(&program);
    }

    /// Sends the reports to all programs.
    pub(super) fn push(&mut self, reports: Vec<Vec<u8>>) {
        for queue in self.programs.values_mut() {
            let room = MAX_REPORTS.saturating_sub(queue.len());
            queue.extend(reports.iter().take(room).cloned());
        }
    }

    /// The oldest report that the program has not read.
    pub(super) fn pop(&mut self, program: u64) -> Option<Vec<u8>> {
        self.programs.get_mut(&program)?.pop_front()
    }

    /// Sends as many of these reports as fit in an empty queue, once a program has read everything. Returns how many.
    pub(super) fn feed(&mut self, report: &[u8], count: usize) -> usize {
        let is_awaited = self.programs.values().any(VecDeque::is_empty);
        let sent = if is_awaited { count.min(MAX_REPORTS) } else { 0 };
        self.push(vec![report.to_vec(); sent]);
        sent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(numbers: std::ops::Range<u8>) -> Vec<Vec<u8>> {
        numbers.map(|number| vec![number]).collect()
    }

    #[test]
    fn each_program_keeps_63_reports_and_loses_the_newest() {
        let mut queue = ReportQueue::default();
        let (quick, slow) = (queue.open(), queue.open());
        queue.push(numbered(0..60));
        let read: Vec<_> = std::iter::from_fn(|| queue.pop(quick)).collect();
        assert_eq!(read, numbered(0..60));
        queue.push(numbered(60..70));
        let late = queue.open();
        assert_eq!(std::iter::from_fn(|| queue.pop(quick)).collect::<Vec<_>>(), numbered(60..70));
        assert_eq!(std::iter::from_fn(|| queue.pop(slow)).collect::<Vec<_>>(), numbered(0..63));
        assert_eq!(queue.pop(late), None, "it was not open");
        queue.close(slow);
        assert_eq!(queue.programs.len(), 2);
    }

    #[test]
    fn a_fed_program_loses_nothing() {
        let mut queue = ReportQueue::default();
        let program = queue.open();
        let (mut left, mut read) = (200, 0);
        while left > 0 {
            left -= queue.feed(&[7], left);
            assert_eq!(queue.feed(&[7], left), 0, "it has to read first");
            read += std::iter::from_fn(|| queue.pop(program)).count();
        }
        assert_eq!(read, 200);
    }
}
