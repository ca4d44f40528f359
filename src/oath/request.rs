//! A request for a code, and its result.

use crate::clock::Clock;
use crate::otp::{Code, Step};

use super::{Credential, Kind, Touch};

/// A request for a code.
#[derive(Clone, Debug)]
pub struct CodeRequest {
    /// The credential that calculates.
    pub credential: Credential,
    /// The moment that the code is for.
    pub when: When,
    /// Request the code of the following step as well, in the same transaction. TOTP only; costs a second touch where
    /// the token requires one.
    pub with_next: bool,
    /// Whether the clock of the token may be set for the code, also back.
    pub set_time: bool,
}

impl CodeRequest {
    /// Whether the token may wait for a touch.
    pub fn may_require_touch(&self) -> bool {
        self.credential.touch != Touch::No
    }

    /// The moving factor at this moment of the clock.
    pub fn factor(&self, clock: &dyn Clock) -> MovingFactor {
        let now = Step::at(clock.unix_time(), self.credential.name.period);
        match self.when {
            When::Now => MovingFactor::Step(now),
            When::NotBefore(step) => MovingFactor::Step(now.max(step)),
            When::Counter => MovingFactor::Counter,
        }
    }

    /// The moving factor of the second code, if one is requested.
    pub fn next_factor(&self, first: MovingFactor) -> Option<MovingFactor> {
        match first {
            MovingFactor::Step(step) if self.with_next && self.credential.kind != Kind::Hotp => {
                Some(MovingFactor::Step(step.next()))
            }
            _ => None,
        }
    }
}

/// The moment that a code is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// The time step in which the command is sent.
    Now,
    /// The time step in which the command is sent, or this step if it is later.
    NotBefore(Step),
    /// The token's counter, which the calculation advances.
    Counter,
}

/// The moving factor of one code (RFC 4226 §5.1, RFC 6238 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MovingFactor {
    /// A time step, for TOTP and Steam.
    Step(Step),
    /// The token's counter, for HOTP: each calculation advances it.
    Counter,
}

impl MovingFactor {
    /// The time step, if this is one.
    pub fn step(self) -> Option<Step> {
        match self {
            Self::Step(step) => Some(step),
            Self::Counter => None,
        }
    }
}

/// A calculated code.
#[derive(Debug)]
pub struct CodeResult {
    /// The code.
    pub code: Code,
    /// The time step of the code; none for a code from a counter.
    pub step: Option<Step>,
    /// The code of the following step, if it was requested.
    pub next: Option<Code>,
}
