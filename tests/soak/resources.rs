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
    /// Clients that pcscd serves: each context of the daemon is one.
    contexts: usize,
}

impl Resources {
    pub(crate) fn of(daemon: u32, pcscd: u32) -> Self {
        let status = fs::read_to_string(format!("/proc/{daemon}/status")).unwrap();
        let number = |key: &str| {
            let line = status.lines().find(|line| line.starts_with(key)).unwrap();
            line.split_whitespace().nth(1).unwrap().parse().unwrap()
        };
        let descriptors = fs::read_dir(format!("/proc/{daemon}/fd")).map_or(0, Iterator::count);
        let (threads, memory) = (number("Threads:"), number("VmRSS:"));
        Self { daemon, pcscd, descriptors, threads, memory, contexts: clients(pcscd) }
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

/// Connections to pcscd's socket (proc_pid_net(5); state 03 is connected).
fn clients(pcscd: u32) -> usize {
    let sockets = fs::read_to_string(format!("/proc/{pcscd}/net/unix")).unwrap();
    let is_client = |line: &&str| {
        let fields: Vec<_> = line.split_whitespace().collect();
        fields.get(5) == Some(&"03") && fields.last().is_some_and(|path| path.ends_with("pcscd.comm"))
    };
    sockets.lines().filter(is_client).count()
}
