//! The system resources of the daemon and pcscd.

use std::time::Duration;

use testkit::resources::Resources;

#[derive(Clone, Debug)]
pub(crate) struct Taken {
    processes: [u32; 2],
    daemon: Resources,
    /// Descriptors of pcscd, one for each context of the daemon.
    contexts: Option<usize>,
}

impl Taken {
    pub(crate) fn of(daemon: u32, pcscd: u32) -> Self {
        let contexts = Resources::of(pcscd).unwrap().descriptors;
        Self { processes: [daemon, pcscd], daemon: Resources::of(daemon).unwrap(), contexts }
    }

    /// As it is when threads have ended that wait for calls to end, and pcscd has noticed who is gone: no more than
    /// `before`, or after half a minute.
    pub(crate) async fn settled(self, before: &Self) -> Self {
        let mut now = self;
        for _ in 0..300 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let [daemon, pcscd] = now.processes;
            now = Self::of(daemon, pcscd);
            if now.is_back_to(before) {
                break;
            }
        }
        now
    }

    pub(crate) fn assert_back_to(&self, before: &Self) {
        assert!(self.is_back_to(before), "{before:?} {self:?}");
        assert!(self.daemon.memory < before.daemon.memory + 2 * 1024, "{before:?} {self:?}");
    }

    fn is_back_to(&self, before: &Self) -> bool {
        let more = [
            (self.daemon.descriptors, before.daemon.descriptors),
            (Some(self.daemon.threads), Some(before.daemon.threads)),
            (self.contexts, before.contexts),
        ];
        more.iter().all(|(now, before)| now <= before)
    }
}
