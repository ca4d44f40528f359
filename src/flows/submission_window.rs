//! When a code may be submitted: its step is unspent, is open for long enough, and starts early enough for the deadline.

use std::pin::pin;
use std::time::Duration;

use super::key_length::{KEY_BYTES, too_short};
use super::lockout_guard::{Blocked, Key, LockoutGuard};
use super::{Error, Flows, Policy};
use crate::oath::{Kind, Touch};
use crate::operations::{Operation, State};
use crate::otp::{Algorithm, Digits, Period, Step};
use crate::registry::Found;
use crate::token;

/// The only period that Cognito supports.
pub(super) const PERIOD: Period = Period::DEFAULT;

/// The step of the next submission.
pub(super) struct SubmissionWindow {
    pub(super) step: Step,
    /// The time until the step may be submitted.
    pub(super) wait: Duration,
}

impl Flows {
    /// Checks whether codes of this credential may be submitted, without using its token.
    ///
    /// # Errors
    ///
    /// `Unsupported`, `TouchRequired`, `TouchTimeout` if there is no time for a touch.
    pub(super) fn may_submit(&self, found: &Found, operation: &Operation) -> Result<(), Error> {
        fits(found)?;
        if !operation.request().interactive && found.credential.touch == Touch::Yes {
            return Err(Error::TouchRequired);
        }
        if found.credential.touch == Touch::Yes && operation.deadline().touch(&*self.clock).is_zero() {
            return Err(token::Error::TouchTimeout.into());
        }
        Ok(())
    }

    /// Waits until a code of the account may be submitted.
    ///
    /// # Errors
    ///
    /// Like [`Flows::unless_locked_out`].
    pub(super) async fn until_open(&self, keys: &[Key], operation: &Operation) -> Result<(), Error> {
        let check = |guard: &LockoutGuard| guard.check(keys, self.clock.monotonic());
        // The time of the operation limits the wait.
        self.unless_locked_out(operation, Duration::MAX, check).await.map(drop)
    }

    /// Makes an attempt at a submission. While codes of the account that are on their way decide whether one more may
    /// be refused, it waits for their answers; `None` if they take longer than `longest`.
    ///
    /// # Errors
    ///
    /// `RateLimited` after too many refusals, and if the answers come too late for the operation.
    pub(super) async fn unless_locked_out<T>(
        &self,
        operation: &Operation,
        longest: Duration,
        attempt: impl Fn(&LockoutGuard) -> Result<T, Blocked>,
    ) -> Result<Option<T>, Error> {
        let give_up = self.clock.monotonic().saturating_add(longest);
        loop {
            // Before the attempt, so that no answer is missed.
            let mut answered = pin!(self.lockout_guard.answered());
            answered.as_mut().enable();
            let Blocked { wait, is_pending } = match attempt(&self.lockout_guard) {
                Ok(done) => return Ok(Some(done)),
                Err(blocked) => blocked,
            };
            let left = operation.deadline().until_last_submission(&*self.clock);
            let Some(left) = left.filter(|left| is_pending && !left.is_zero()) else {
                return Err(Error::RateLimited { wait });
            };
            let usable = give_up.saturating_sub(self.clock.monotonic());
            if usable.is_zero() {
                return Ok(None);
            }
            operation.set_state(State::WaitingStep);
            tokio::select! {
                () = answered => {}
                () = self.clock.sleep(left.min(usable)) => {}
            }
        }
    }

    /// The first step from `not_before` on that may be submitted.
    ///
    /// # Errors
    ///
    /// `StepSpent` or `Timeout` if it starts too late for the operation, `StateUnavailable`.
    pub(super) async fn next_window(
        &self,
        found: &Found,
        policy: &Policy,
        not_before: Step,
        operation: &Operation,
    ) -> Result<SubmissionWindow, Error> {
        let moment = self.moment(PERIOD);
        let (now, recorded) = (moment.step(), self.earliest(&found.id, moment).await?);
        let mut step = recorded.max(not_before).max(now);
        if policy.early_next_step && step == now.next() && !found.token.info.own_clock {
            return Ok(SubmissionWindow { step, wait: Duration::ZERO });
        }
        let is_spent = step > now;
        if !is_spent {
            if self.validity_left(now, PERIOD) >= policy.min_seconds_left {
                return Ok(SubmissionWindow { step, wait: Duration::ZERO });
            }
            step = now.next();
        }
        let opens = step.start(PERIOD);
        let wait = opens.saturating_sub(self.clock.unix_time());
        let latest = operation.deadline().until_last_submission(&*self.clock);
        if latest.is_none_or(|latest| wait > latest) {
            return Err(if is_spent { Error::StepSpent { opens } } else { Error::Timeout });
        }
        Ok(SubmissionWindow { step, wait })
    }

    /// Checks that a submission that starts now can end before the deadline.
    pub(super) fn in_time(&self, operation: &Operation) -> Result<(), Error> {
        operation.deadline().until_last_submission(&*self.clock).map(drop).ok_or(Error::Timeout)
    }
}

/// Checks that Cognito supports the credential: TOTP with SHA-1, six digits, 30 seconds and a key of 32 bytes.
fn fits(found: &Found) -> Result<(), Error> {
    let Found { credential, token, .. } = found;
    let why = if credential.kind != Kind::Totp {
        "it is not time-based (TOTP)".to_owned()
    } else if credential.algorithm != Algorithm::Sha1 {
        format!("it uses {} and Cognito requires SHA1", credential.algorithm)
    } else if credential.digits_known && credential.digits != Digits::SIX {
        format!("its codes have {} digits and Cognito requires 6", credential.digits.get())
    } else if credential.name.period != PERIOD {
        format!("its time step is {} seconds and Cognito requires 30", credential.name.period.seconds())
    } else if let Some(bytes) = too_short(token) {
        format!("its token holds keys of at most {bytes} bytes and those of Cognito have {KEY_BYTES}")
    } else {
        return Ok(());
    };
    Err(Error::Unsupported(why))
}
