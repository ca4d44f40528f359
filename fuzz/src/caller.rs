//! The caller of a request, which may leave at any moment, and what the device and the properties have to know of it.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use oathbridge::clock::Clock;
use oathbridge::device::Progress;

use super::fuzz_clock::FuzzClock;

/// The time at which nothing has happened yet.
const NEVER: u64 = u64::MAX;

/// A caller with a clock.
#[derive(Debug)]
pub struct Caller {
    /// The clock of the run.
    pub clock: FuzzClock,
    touches: AtomicUsize,
    left_at: AtomicU64,
    is_locked: AtomicBool,
}

impl Default for Caller {
    fn default() -> Self {
        Self {
            clock: FuzzClock::default(),
            touches: AtomicUsize::new(0),
            left_at: AtomicU64::new(NEVER),
            is_locked: AtomicBool::new(false),
        }
    }
}

impl Caller {
    /// The caller leaves.
    pub fn leave(&self) {
        let now = u64::try_from(self.clock.monotonic().as_nanos()).unwrap_or(NEVER);
        self.left_at.fetch_min(now, Ordering::Relaxed);
    }

    /// The time since the caller left; `None` if it is still there.
    pub fn gone_for(&self) -> Option<Duration> {
        let left_at = self.left_at.load(Ordering::Relaxed);
        (left_at != NEVER).then(|| self.clock.monotonic().saturating_sub(Duration::from_nanos(left_at)))
    }

    /// How often a touch was announced.
    pub fn touches(&self) -> usize {
        self.touches.load(Ordering::Relaxed)
    }

    /// Whether the lock of the device is held.
    pub fn is_locked(&self) -> bool {
        self.is_locked.load(Ordering::Relaxed)
    }

    /// Takes or releases the lock of the device.
    pub fn set_locked(&self, is_locked: bool) {
        self.is_locked.store(is_locked, Ordering::Relaxed);
    }
}

impl Progress for Caller {
    fn touch_needed(&self) {
        self.touches.fetch_add(1, Ordering::Relaxed);
    }

    fn is_cancelled(&self) -> bool {
        self.left_at.load(Ordering::Relaxed) != NEVER
    }
}
