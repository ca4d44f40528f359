//! Time steps (RFC 6238 §4.2).

use std::time::Duration;

/// The length of a credential's time step: 1 second or more, usually 30.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period(u32);

impl Period {
    /// 30 seconds, the default of RFC 6238, and the only period that Cognito supports.
    pub const DEFAULT: Self = Self(30);

    /// A period of `seconds`.
    ///
    /// # Errors
    ///
    /// [`UnsupportedPeriod`] for zero.
    pub const fn new(seconds: u32) -> Result<Self, UnsupportedPeriod> {
        match seconds {
            0 => Err(UnsupportedPeriod),
            seconds => Ok(Self(seconds)),
        }
    }

    /// The period in seconds.
    pub const fn seconds(self) -> u32 {
        self.0
    }
}

/// A period of zero seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a period of 0 seconds has no time steps")]
pub struct UnsupportedPeriod;

/// A time step: the number of periods since the Unix epoch, which is TOTP's moving factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Step(pub u64);

impl Step {
    /// The step of `unix_time`.
    pub fn at(unix_time: Duration, period: Period) -> Self {
        Self(unix_time.as_secs() / u64::from(period.0))
    }

    /// The start of the step in Unix time; a step ends when the next one starts.
    pub fn start(self, period: Period) -> Duration {
        Duration::from_secs(self.0.saturating_mul(u64::from(period.0)))
    }

    /// The next step.
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The challenge: the step as 8 bytes, big-endian.
    pub fn challenge(self) -> [u8; 8] {
        self.0.to_be_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238 appendix B.
    #[test]
    fn steps_of_the_rfc() {
        for (time, step) in [
            (59, 0x1),
            (1_111_111_109, 0x023_523ec),
            (1_234_567_890, 0x0273_ef07),
            (20_000_000_000, 0x27bc_86aa),
        ] {
            assert_eq!(Step::at(Duration::from_secs(time), Period::DEFAULT), Step(step));
        }
    }

    #[test]
    fn a_step_starts_when_the_previous_one_ends() {
        let minute = Period::new(60).unwrap();
        assert_eq!(Step::at(Duration::from_millis(59_999), minute), Step(0));
        assert_eq!(Step::at(Duration::from_secs(60), minute), Step(1));
        assert_eq!(Step(1).start(minute), Duration::from_secs(60));
        assert_eq!(Step(u64::MAX).next().start(minute), Duration::from_secs(u64::MAX));
        assert!(Period::new(0).is_err());
    }
}
