//! The log of a virtual token's commands, in bounded memory.

use std::collections::VecDeque;

/// The first four bytes of a command: CLA, INS, P1, P2; missing bytes are zero.
pub type Header = [u8; 4];

/// The maximum number of kept headers; the counts include all commands.
const MAX_HEADERS: usize = 4_096;

/// The newest headers, and the number of all commands.
#[derive(Debug)]
pub(super) struct CommandLog {
    newest: VecDeque<Header>,
    counts: [usize; 256],
}

impl Default for CommandLog {
    fn default() -> Self {
        Self { newest: VecDeque::new(), counts: [0; 256] }
    }
}

impl CommandLog {
    /// Adds a command of any length.
    pub(super) fn push(&mut self, command: &[u8]) {
        let header: Header = std::array::from_fn(|i| command.get(i).copied().unwrap_or_default());
        if self.newest.len() == MAX_HEADERS {
            self.newest.pop_front();
        }
        self.newest.push_back(header);
        let [_, instruction, ..] = header;
        if let Some(count) = self.counts.get_mut(usize::from(instruction)) {
            *count = count.saturating_add(1);
        }
    }

    /// The newest headers, oldest first.
    pub(super) fn newest(&self) -> Vec<Header> {
        self.newest.iter().copied().collect()
    }

    /// The number of commands with this instruction byte.
    pub(super) fn count(&self, instruction: u8) -> usize {
        self.counts.get(usize::from(instruction)).copied().unwrap_or_default()
    }

    /// The number of all commands.
    pub(super) fn total(&self) -> usize {
        self.counts.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_stays_bounded_and_counts_stay_exact() {
        let mut log = CommandLog::default();
        log.push(&[0x00, 0xa4]);
        for p2 in 0..10_000_u16 {
            let [p1, p2] = p2.to_be_bytes();
            log.push(&[0x00, 0xa2, p1, p2, 1, 2, 3]);
        }
        assert_eq!(log.newest().len(), MAX_HEADERS);
        assert!(log.newest.capacity() <= 2 * MAX_HEADERS);
        assert_eq!(log.newest().last(), Some(&[0x00, 0xa2, 0x27, 0x0f]));
        assert_eq!((log.count(0xa4), log.count(0xa2), log.total()), (1, 10_000, 10_001));
    }
}
