//! The functions of the daemon, one per file: return a code, submit a code with VerifySoftwareToken, answer the
//! challenge of a sign-in, unlock a token.

mod account;
mod calculate;
mod challenge;
mod code;
mod error;
mod exchange;
mod explained;
mod find;
mod key_length;
mod lockout_guard;
mod manage;
mod password_tries;
mod permits;
mod remembered;
mod set_password;
mod submission;
mod submission_window;
mod unlock;
mod unlocking;
mod verify;

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::cognito;
use crate::guard::{self, Folders, Guard, SentCodes, Unavailable};
use crate::operations::Deadline;
use crate::registry::Registry;
use lockout_guard::LockoutGuard;
use password_tries::PasswordTries;
use remembered::Attempts;
use unlocking::Unlocks;

pub use account::Account;
pub use calculate::Calculations;
pub use challenge::{ChallengeRequest, Step as ChallengeStep};
pub use code::{CodeReply, CodeRequest};
pub use error::Error;
pub use find::{Query, Target};
pub use permits::Permits;
pub use remembered::Memory;
pub use submission::Submission;
pub use unlock::UnlockRequest;
pub use unlocking::Unlocking;
pub use verify::{VerifyReply, VerifyRequest};

/// The settings for requests to Cognito, from the `[cognito]` section of the configuration.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Timeouts, proxy and certificates.
    pub settings: cognito::Settings,
    /// The maximum number of codes that one request submits, 1 or 2.
    pub max_attempts: u32,
    /// The minimum remaining time of the time step of a submitted code.
    pub min_seconds_left: Duration,
    /// Whether to submit the code of the next time step at once if the current one is spent, instead of waiting.
    pub early_next_step: bool,
}

/// The dependencies of all flows; clones share them.
#[derive(Clone, Debug)]
pub struct Flows {
    registry: Registry,
    guard: Guard,
    was_record_usable: bool,
    sent_codes: Arc<SentCodes>,
    lockout_guard: Arc<LockoutGuard>,
    /// The calculations without a touch.
    calculations: Arc<Calculations>,
    /// The calculations of one caller that require a touch.
    touched: Arc<Calculations>,
    unlocks: Arc<Unlocks>,
    password_tries: Arc<PasswordTries>,
    /// Where keys are remembered, if anywhere.
    memory: Option<Arc<Memory>>,
    attempts: Arc<Attempts>,
    clock: Arc<dyn Clock>,
}

impl Flows {
    /// Flows over the attached tokens, with the single-use record in these folders. Begins the record if there is none,
    /// which reads and writes files. Logs an error if the record is not usable.
    ///
    /// # Errors
    ///
    /// The system provides no random numbers.
    pub fn new(
        registry: Registry,
        folders: impl Into<Folders>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Unavailable> {
        let guard = Guard::open(folders);
        let begun = guard.begin(clock.unix_time()).and_then(|()| guard.check());
        Ok(Self {
            registry,
            was_record_usable: is_usable(&guard, begun),
            guard,
            sent_codes: Arc::new(SentCodes::new()?),
            lockout_guard: Arc::default(),
            calculations: Arc::default(),
            touched: Arc::default(),
            unlocks: Arc::default(),
            password_tries: Arc::default(),
            memory: None,
            attempts: Arc::default(),
            clock,
        })
    }

    /// The same flows for one caller: its touches serve no other caller, and at most one of its requests that require a
    /// touch is in the queue of a token.
    #[must_use]
    pub fn for_caller(&self, touched: &Arc<Calculations>) -> Self {
        Self { touched: Arc::clone(touched), ..self.clone() }
    }

    /// Whether the single-use record was usable at the start.
    pub fn was_record_usable(&self) -> bool {
        self.was_record_usable
    }

    /// Whether the single-use record can be read and written now. Logs an error if it cannot. May block.
    pub fn is_record_usable(&self) -> bool {
        is_usable(&self.guard, self.guard.check())
    }

    /// The attached tokens.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The clock of all flows.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// A deadline `timeout` from now.
    pub fn deadline(&self, timeout: Duration) -> Deadline {
        Deadline::after(timeout, &*self.clock)
    }
}

fn is_usable(guard: &Guard, checked: Result<(), guard::Error>) -> bool {
    if let Err(error) = checked {
        let path = guard.file();
        tracing::error!("the daemon cannot submit codes: {error}; repair or remove {}", path.display());
    }
    checked.is_ok()
}
