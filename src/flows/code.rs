//! Hand out a code.

use std::io::ErrorKind;
use std::time::Duration;

use super::find::is_curable;
use super::{Error, Flows, Target};
use crate::guard;
use crate::oath::{Credential, Kind, ObjectId, Touch, When};
use crate::operations::{Operation, State};
use crate::otp::{Code, Period, Step};
use crate::registry::Found;
use crate::state_file;
use crate::token;

/// A code is asked for.
#[derive(Clone, Debug)]
pub struct CodeRequest {
    /// The credential's id.
    pub credential: ObjectId,
    /// The code of the next time step as well.
    pub next: bool,
    /// How long the code has to be valid when it is handed out; at most one period.
    pub min_validity: Duration,
    /// The caller will submit this code: its step is recorded as spent before the reply.
    pub claim: bool,
    /// The counter of a counter-based credential may be used up.
    pub advance_counter: bool,
}

/// A code, and when it is valid.
#[derive(Debug)]
pub struct CodeReply {
    /// The code.
    pub code: Code,
    /// From when and until when, in Unix time; none for a counter's code.
    pub valid: Option<(Duration, Duration)>,
    /// The code of the next time step, if asked for.
    pub next: Option<Code>,
}

impl Flows {
    /// Calculates a code.
    ///
    /// # Errors
    ///
    /// Any [`Error`] but those of Cognito. A spent step is an error at once when the code is claimed.
    pub async fn code(&self, request: &CodeRequest, operation: &Operation) -> Result<CodeReply, Error> {
        let target = Target::Id(request.credential.clone());
        let mut found = self.find(&target, operation).await?;
        loop {
            check(request, &found.credential, operation)?;
            if found.credential.kind == Kind::Hotp {
                // Never repeated: nobody knows whether the counter has moved.
                let calculated = self.calculate(&found, When::Counter, operation).await?;
                return Ok(CodeReply { code: calculated.code, valid: None, next: None });
            }
            match self.code_of(&found, request, operation).await {
                Err(error) if is_curable(&error, operation) => {
                    found = self.find_again(&target, operation, &found).await?;
                }
                result => return result,
            }
        }
    }

    async fn code_of(
        &self,
        found: &Found,
        request: &CodeRequest,
        operation: &Operation,
    ) -> Result<CodeReply, Error> {
        let period = found.credential.name.period;
        loop {
            let is_fresh = self.wait_for_validity(period, request, operation).await?;
            if request.claim {
                self.unspent(found, self.now(period)).await?;
            }
            let calculated = self.calculate_together(found, request.next, operation).await?;
            let Some(step) = calculated.step else {
                return Err(token::Error::Malformed("a code without time step".to_owned()).into());
            };
            // The step may have ended while a touch was waited for; a dead code helps nobody.
            // Of a step that has just begun there is no longer-lived code.
            let left = self.validity_left(step, period);
            if left.is_zero() || (left < request.min_validity && !is_fresh) {
                continue;
            }
            if request.claim {
                let (guard, id, now) = (self.guard.clone(), found.id.to_string(), self.now(period));
                let claimed = blocking(move || guard.claim(&id, step, now)).await;
                claimed.map_err(|error| spent(error, period))?;
            }
            return Ok(CodeReply {
                code: calculated.code.clone(),
                valid: Some((step.start(period), step.next().start(period))),
                next: calculated.next.clone(),
            });
        }
    }

    /// The time step of this moment.
    pub(super) fn now(&self, period: Period) -> Step {
        Step::at(self.clock.unix_time(), period)
    }

    /// How long a step's code stays valid; zero when its time is over, more than a period when it lies ahead.
    pub(super) fn validity_left(&self, step: Step, period: Period) -> Duration {
        step.next().start(period).saturating_sub(self.clock.unix_time())
    }

    /// The first step that the record allows.
    pub(super) async fn earliest(
        &self,
        credential: &ObjectId,
        now: Step,
        period: Period,
    ) -> Result<Step, Error> {
        let (guard, credential) = (self.guard.clone(), credential.to_string());
        let earliest = blocking(move || guard.earliest(&credential, now)).await;
        earliest.map_err(|error| spent(error, period))
    }

    async fn unspent(&self, found: &Found, now: Step) -> Result<(), Error> {
        let period = found.credential.name.period;
        let earliest = self.earliest(&found.id, now, period).await?;
        if earliest > now {
            return Err(Error::StepSpent { opens: earliest.start(period) });
        }
        Ok(())
    }

    /// Whether the next step had to be waited for.
    async fn wait_for_validity(
        &self,
        period: Period,
        request: &CodeRequest,
        operation: &Operation,
    ) -> Result<bool, Error> {
        let left = self.validity_left(self.now(period), period);
        if left >= request.min_validity {
            return Ok(false);
        }
        if left >= operation.deadline().left(&*self.clock) {
            return Err(Error::Timeout);
        }
        operation.set_state(State::WaitingStep);
        self.clock.sleep(left).await;
        Ok(true)
    }
}

/// Uses the guard's file where waiting for a disk or a lock stops nobody. Runs to its end even if its caller
/// leaves.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, guard::Error> + Send + 'static,
) -> Result<T, guard::Error> {
    let lost = guard::Unavailable::Record(state_file::Error::Unwritable(ErrorKind::Other));
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(lost.into()))
}

/// What the guard says, in the words of the flows.
pub(super) fn spent(error: guard::Error, period: Period) -> Error {
    match error {
        guard::Error::Spent { earliest } => Error::StepSpent { opens: earliest.start(period) },
        guard::Error::Unavailable(why) => Error::StateUnavailable(why),
    }
}

fn check(request: &CodeRequest, credential: &Credential, operation: &Operation) -> Result<(), Error> {
    let invalid = |why: &str| Err(Error::InvalidArgument(why.to_owned()));
    if !operation.request().interactive && credential.touch == Touch::Yes {
        return Err(Error::TouchRequired);
    }
    match credential.kind {
        Kind::Hotp if request.next || request.claim || !request.min_validity.is_zero() => {
            invalid("next, min-validity and claim are for time-based credentials, and this one counts")
        }
        Kind::Hotp if !request.advance_counter => Err(Error::CounterNotConfirmed),
        Kind::Totp | Kind::Steam if request.advance_counter => {
            invalid("advance-counter is for counter-based credentials, and this one is time-based")
        }
        _ if request.min_validity > Duration::from_secs(credential.name.period.seconds().into()) => {
            invalid("min-validity is longer than the codes of this credential live")
        }
        _ => Ok(()),
    }
}
