//! What is asked for when a code is asked for, and what comes back.

use crate::otp::{Code, Step};
use crate::protocol::ykoath::{Credential, Touch};

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
