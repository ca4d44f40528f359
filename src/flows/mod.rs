//! What the product does, one thing a file: hand out a code, prove a token to Cognito, answer
//! the challenge of a sign-in, unlock a token.

mod budget;
mod calculate;
mod challenge;
mod code;
mod error;
mod find;
mod opening;
mod submission;
mod unlock;
mod unlocking;
mod verify;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::cognito;
use crate::guard::{Guard, SentCodes, Unavailable};
use crate::operations::Deadline;
use crate::registry::Registry;
use budget::Budget;
use calculate::Calculations;
use unlocking::Unlocks;

pub use challenge::{ChallengeRequest, Step as ChallengeStep};
pub use code::{CodeReply, CodeRequest};
pub use error::Error;
pub use find::{Query, Target};
pub use submission::Submission;
pub use unlocking::Unlocking;
pub use verify::{VerifyReply, VerifyRequest};

/// How requests to Cognito are made: the `[cognito]` section of the configuration.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Time-outs, proxy and certificates.
    pub settings: cognito::Settings,
    /// How many codes one request may submit, 1 or 2.
    pub max_attempts: u32,
    /// A code is not submitted when its time step ends sooner than this.
    pub min_seconds_left: Duration,
    /// Submit the code of the next time step, instead of waiting for it, when the current one is spent.
    pub early_next_step: bool,
}

/// Everything a flow needs; clones share it.
#[derive(Clone, Debug)]
pub struct Flows {
    registry: Registry,
    guard: Guard,
    sent_codes: Arc<SentCodes>,
    budget: Arc<Budget>,
    calculations: Arc<Calculations>,
    unlocks: Arc<Unlocks>,
    clock: Arc<dyn Clock>,
}

impl Flows {
    /// Flows over the attached tokens, with the single-use record in `state_directory`.
    ///
    /// # Errors
    ///
    /// When the system gives no random numbers.
    pub fn new(
        registry: Registry,
        state_directory: PathBuf,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Unavailable> {
        Ok(Self {
            registry,
            guard: Guard::open(state_directory),
            sent_codes: Arc::new(SentCodes::new()?),
            budget: Arc::default(),
            calculations: Arc::default(),
            unlocks: Arc::default(),
            clock,
        })
    }

    /// Writes into the journal if the single-use record can't be used. Reads a file.
    pub fn check_record(&self) {
        if let Err(error) = self.guard.show() {
            let path = self.guard.file();
            tracing::error!("nothing can be submitted: {error}; repair or remove {}", path.display());
        }
    }

    /// The attached tokens.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The clock that everything here runs by.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// A deadline `timeout` from now.
    pub fn deadline(&self, timeout: Duration) -> Deadline {
        Deadline::after(timeout, &*self.clock)
    }
}
