//! Whether a code of a credential can be submitted, and when: all that can be told without the token and without waiting.

use std::time::Duration;

use super::{Error, Flows, Submission};
use crate::operations::Operation;
use crate::otp::{Algorithm, Digits, Period, Step};
use crate::protocol::ykoath::{Credential, Kind, Touch};
use crate::registry::Found;
use crate::token::{self, Moment};

/// Cognito knows only this period.
pub(super) const PERIOD: Period = Period::DEFAULT;

/// When a step opens that may be submitted.
pub(super) enum Opening {
    /// It is open, or may be submitted early.
    Now(Moment),
    /// So long from now.
    After(Duration),
}

impl Flows {
    /// Whether a submission that begins now may succeed, for whoever would give something up for it.
    pub(super) async fn prospect(
        &self,
        found: &Found,
        request: &Submission,
        operation: &Operation,
    ) -> Result<(), Error> {
        self.check(found, operation)?;
        self.opening(found, Step(0), request, operation).await?;
        in_time(operation, self)
    }

    /// Whether the credential, the caller and the past allow it.
    pub(super) fn check(&self, found: &Found, operation: &Operation) -> Result<(), Error> {
        fits(&found.credential)?;
        if found.credential.touch == Touch::Yes {
            if !operation.request().interactive {
                return Err(Error::TouchRequired);
            }
            if operation.deadline().touch(&*self.clock).is_zero() {
                return Err(token::Error::TouchTimeout.into());
            }
        }
        match self.budget.wait(&found.id, self.clock.monotonic()) {
            Some(wait) => Err(Error::RateLimited { wait }),
            None => Ok(()),
        }
    }

    /// When the first step from `not_before` on opens that is unspent and not about to close; an error if that is too
    /// late for the operation.
    pub(super) async fn opening(
        &self,
        found: &Found,
        not_before: Step,
        request: &Submission,
        operation: &Operation,
    ) -> Result<Opening, Error> {
        let policy = &request.policy;
        let now = self.now(PERIOD);
        let recorded = self.earliest(&found.id, now, PERIOD).await?;
        let mut first = recorded.max(not_before).max(now);
        if policy.early_next_step && first == now.next() {
            return Ok(Opening::Now(Moment::NotBefore(first)));
        }
        let is_spent = first > now;
        if !is_spent {
            if self.validity_left(now, PERIOD) >= policy.min_seconds_left {
                return Ok(Opening::Now(Moment::NotBefore(first)));
            }
            first = now.next();
        }
        let opens = first.start(PERIOD);
        let wait = opens.saturating_sub(self.clock.unix_time());
        let latest = operation.deadline().until_last_submission(&*self.clock);
        if latest.is_none_or(|latest| wait > latest) {
            return Err(if is_spent { Error::StepSpent { opens } } else { Error::Timeout });
        }
        Ok(Opening::After(wait))
    }
}

/// Whether a submission may still begin.
pub(super) fn in_time(operation: &Operation, flows: &Flows) -> Result<(), Error> {
    operation.deadline().until_last_submission(&*flows.clock).map(drop).ok_or(Error::Timeout)
}

/// Cognito takes TOTP with SHA-1, six digits and 30 seconds, and nothing else.
fn fits(credential: &Credential) -> Result<(), Error> {
    let why = if credential.kind != Kind::Totp {
        "it is not time-based (TOTP)".to_owned()
    } else if credential.algorithm != Algorithm::Sha1 {
        format!("it uses {}, and Cognito wants SHA1", credential.algorithm)
    } else if credential.digits_known && credential.digits != Digits::SIX {
        format!("its codes have {} digits, and Cognito wants 6", credential.digits.get())
    } else if credential.period != PERIOD {
        format!("its codes live {} seconds, and Cognito wants 30", credential.period.seconds())
    } else {
        return Ok(());
    };
    Err(Error::Unsupported(why))
}
