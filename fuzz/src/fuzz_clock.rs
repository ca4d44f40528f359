//! A clock that only devices and pauses move, so that no run waits.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use oathbridge::clock::{Clock, Sleep};

/// A clock that begins at zero.
#[derive(Debug, Default)]
pub struct FuzzClock(AtomicU64);

impl FuzzClock {
    /// Lets this time pass.
    pub fn advance(&self, duration: Duration) {
        let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.0.fetch_add(nanoseconds, Ordering::Relaxed);
    }
}

impl Clock for FuzzClock {
    fn unix_time(&self) -> Duration {
        self.monotonic()
    }

    fn monotonic(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }

    fn sleep(&self, _duration: Duration) -> Sleep {
        Box::pin(std::future::pending())
    }

    fn pause(&self, duration: Duration) {
        self.advance(duration);
    }
}
