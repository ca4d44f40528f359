//! The wait for a touch that a request of ours began and could not end, because another program took the interface.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::sync::IgnorePoison;

/// The difference between two readings of one wait: the key shows whole seconds.
const SECOND: Duration = Duration::from_secs(1);

/// What is known of one insertion of a key: our wait for a touch that may go on. Clones share it.
///
/// `ykinfo` takes the interface from the kernel's driver, so its node goes while the key goes on waiting, up to 15 s. Without
/// this knowledge the key counts as used by another program meanwhile.
#[derive(Clone, Debug, Default)]
pub struct LostWait(Arc<Mutex<Option<Duration>>>);

impl LostWait {
    /// Notes our wait, which the key ends by itself at this monotonic time.
    pub(super) fn keep(&self, end: Duration) {
        *self.0.lock().ignore_poison() = Some(end);
    }

    /// Notes that the key does not wait for us.
    pub(super) fn forget(&self) {
        *self.0.lock().ignore_poison() = None;
    }

    /// Whether a wait that the key ends by itself at this monotonic time may be ours. A wait that another program began later
    /// than one second after ours has a later end.
    pub(super) fn is(&self, end: Duration) -> bool {
        self.0.lock().ignore_poison().is_some_and(|ours| end <= ours + SECOND)
    }
}
