//! What is asked for when a code is asked for, and what comes back.

use crate::clock::Clock;
use crate::device::Progress;
use crate::otp::{Code, Step};
use crate::protocol::ykoath::{self, Credential, Factor, Kind, Session, Touch};

/// A code to be calculated.
#[derive(Clone, Debug)]
pub struct Order {
    /// Of which credential.
    pub credential: Credential,
    /// For when.
    pub moment: Moment,
    /// The code after it as well, in the same transaction. TOTP only; costs a second touch where one is needed.
    pub with_next: bool,
}

impl Order {
    pub(super) fn may_want_touch(&self) -> bool {
        self.credential.touch != Touch::No
    }

    /// The time step of this moment, or the counter.
    pub(super) fn factor(&self, clock: &dyn Clock) -> Factor {
        let now = Step::at(clock.unix_time(), self.credential.period);
        match self.moment {
            Moment::Now => Factor::Step(now),
            Moment::NotBefore(step) => Factor::Step(now.max(step)),
            Moment::Counter => Factor::Counter,
        }
    }

    /// The code after that of `factor`, if it is wanted.
    pub(super) fn next_code(
        &self,
        factor: Factor,
        session: &mut Session<'_>,
        progress: &dyn Progress,
    ) -> Result<Option<Code>, ykoath::Error> {
        match factor {
            // It may want a touch of its own, and nobody would know what for.
            Factor::Step(_) if progress.is_cancelled() => Ok(None),
            Factor::Step(step) if self.with_next && self.credential.kind != Kind::Hotp => {
                session.calculate(&self.credential, Factor::Step(step.next()), progress).map(Some)
            }
            _ => Ok(None),
        }
    }
}

/// The moving factor of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The time step of the moment at which the command goes out.
    Now,
    /// That, or this step if it is later.
    NotBefore(Step),
    /// The token's own counter, which is used up by this.
    Counter,
}

/// How far a calculation is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stage {
    /// Others are served first.
    #[default]
    Queued,
    /// The token works.
    Working,
    /// The token waits to be touched.
    TouchNeeded,
}

/// A calculated code.
#[derive(Debug)]
pub struct Calculated {
    /// The code.
    pub code: Code,
    /// The time step it belongs to; none for a counter's code.
    pub step: Option<Step>,
    /// The code of the step after it, if asked for.
    pub next: Option<Code>,
}
