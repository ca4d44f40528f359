//! The pauses between attempts to connect to the system bus.

use std::time::Duration;

/// The first pause, and the pause before each urgent attempt.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// The ratio of each pause to the previous one.
const PAUSE_GROWTH: u32 = 16;

/// The longest pause. A machine may have no system bus at all, and each attempt costs up to three context switches.
const MAX_PAUSE: Duration = Duration::from_secs(128);

/// The time without the bus. Each outage is logged once, not each attempt.
#[derive(Debug, Default)]
pub(super) struct Outage {
    is_logged: bool,
    /// The number of growing pauses.
    pauses: u32,
}

impl Outage {
    /// Records that the bus was lost, or that an attempt failed.
    pub(super) fn begin(&mut self, why: &str) {
        if !self.is_logged {
            tracing::warn!(
                "the system bus is not reachable ({why}); the daemon does not notice locked screens and suspend"
            );
            self.is_logged = true;
        }
    }

    /// The pause before the next attempt. The pauses grow up to the maximum. The pause before an urgent attempt is the
    /// first one, and does not let the others grow.
    pub(super) fn pause(&mut self, is_urgent: bool) -> Duration {
        if is_urgent {
            return FIRST_PAUSE;
        }
        let pause = FIRST_PAUSE.saturating_mul(PAUSE_GROWTH.saturating_pow(self.pauses)).min(MAX_PAUSE);
        self.pauses = self.pauses.saturating_add(1);
        pause
    }

    /// Records that the bus is reachable.
    pub(super) fn end(&mut self) {
        if self.is_logged {
            tracing::info!(
                "the system bus is reachable again; the daemon notices locked screens and suspend"
            );
        }
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_from_one_second_to_the_maximum() {
        let mut outage = Outage::default();
        let pauses: Vec<_> = (0..40).map(|_| outage.pause(false).as_secs()).collect();
        assert_eq!(pauses.first_chunk(), Some(&[1, 16, 128, 128]));
        assert_eq!(pauses.last(), Some(&128));
        outage.end();
        assert_eq!(outage.pause(false).as_secs(), 1);
    }
}
