//! What the daemon and pcscd have taken from the system.

use std::fs;
use std::time::Duration;

/// What is counted.
#[derive(Clone, Debug)]
pub(crate) struct Resources {
    daemon: u32,
    pcscd: u32,
    descriptors: usize,
    threads: usize,
    /// Resident memory in KiB.
    memory: usize,
    /// Descriptors of pcscd: each context of the daemon is one of them.
    contexts: usize,
}

impl Resources {
    pub(crate) fn of(daemon: u32, pcscd: u32) -> Self {
        let status = fs::read_to_string(format!("/proc/{daemon}/status")).unwrap();
        let number = |key: &str| {
            let line = status.lines().find(|line| line.starts_with(key)).unwrap();
            line.split_whitespace().nth(1).unwrap().parse().unwrap()
        };
        let [descriptors, contexts] = [daemon, pcscd].map(descriptors);
        let (threads, memory) = (number("Threads:"), number("VmRSS:"));
        Self { daemon, pcscd, descriptors, threads, memory, contexts }
    }

    /// As it is when threads have ended that wait for calls to end, and pcscd has noticed who is gone: no more than
    /// `before`, or after half a minute.
    pub(crate) async fn settled(self, before: &Self) -> Self {
        let mut now = self;
        for _ in 0..300 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            now = Self::of(now.daemon, now.pcscd);
            if now.is_back_to(before) {
                break;
            }
        }
        now
    }

    pub(crate) fn assert_back_to(&self, before: &Self) {
        assert!(self.is_back_to(before), "{before:?} {self:?}");
        assert!(self.memory < before.memory + 2 * 1024, "{before:?} {self:?}");
    }

    fn is_back_to(&self, before: &Self) -> bool {
        let more = [
            (self.descriptors, before.descriptors),
            (self.threads, before.threads),
            (self.contexts, before.contexts),
        ];
        more.iter().all(|(now, before)| now <= before)
    }
}

fn descriptors(process: u32) -> usize {
    let count = fs::read_dir(format!("/proc/{process}/fd")).unwrap().count();
    assert_ne!(count, 0);
    count
}
