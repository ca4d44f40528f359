//! The time without a system bus.

use std::time::Duration;

/// After which pause it is looked for again, at first.
const FIRST: Duration = Duration::from_secs(1);

/// What each pause is longer than the one before.
const GROWTH: u32 = 16;

/// A machine may have no system bus at all, and is not to be woken up often for that: each try costs up to three switches.
const LONGEST: Duration = Duration::from_secs(128);

/// How often the bus was looked for in vain. Each outage is told once, not each try.
#[derive(Debug, Default)]
pub(super) struct Outage {
    tries: u32,
}

impl Outage {
    /// How long to wait after the bus was lost or looked for in vain.
    pub(super) fn pause(&mut self, why: &str) -> Duration {
        if self.tries == 0 {
            tracing::warn!(
                "the system bus can't be reached ({why}); until it can, locked screens and suspend are not noticed"
            );
        }
        let pause = FIRST.saturating_mul(GROWTH.saturating_pow(self.tries)).min(LONGEST);
        self.tries = self.tries.saturating_add(1);
        pause
    }

    /// The bus is there.
    pub(super) fn end(&mut self) {
        if self.tries > 0 {
            tracing::info!("the system bus is reached; locked screens and suspend are noticed");
            self.tries = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_bus_is_looked_for_soon_and_one_that_never_comes_seldom() {
        let mut outage = Outage::default();
        let pauses: Vec<_> = (0..40).map(|_| outage.pause("gone").as_secs()).collect();
        assert_eq!(pauses.first_chunk(), Some(&[1, 16, 128, 128]));
        assert_eq!(pauses.last(), Some(&128));
        outage.end();
        assert_eq!(outage.pause("gone").as_secs(), 1);
    }
}
