//! The current time of a request, in the steps of its credential.

use std::time::Duration;

use crate::otp::{Period, Step};

/// The current time, and the period of the credential's codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    time: Duration,
    period: Period,
}

impl Now {
    /// `time` is Unix time.
    pub fn new(time: Duration, period: Period) -> Self {
        Self { time, period }
    }

    /// The current time, in Unix time.
    pub fn time(self) -> Duration {
        self.time
    }

    /// The current step.
    pub fn step(self) -> Step {
        Step::at(self.time, self.period)
    }

    /// The period of the steps.
    pub fn period(self) -> Period {
        self.period
    }

    /// The same in whole seconds.
    pub(super) fn seconds(self) -> u64 {
        self.time.as_secs()
    }

    /// The step of another time, in Unix seconds.
    pub(super) fn step_at(self, seconds: u64) -> Step {
        Step::at(Duration::from_secs(seconds), self.period)
    }
}
