//! Returns a code to the caller.

use std::io::ErrorKind;
use std::time::Duration;

use super::find::is_curable;
use super::{Error, Flows, Permits, Target};
use crate::guard::{self, Now};
use crate::oath::{Credential, Kind, ObjectId, Touch, When};
use crate::operations::{Operation, State};
use crate::otp::{Code, Period, Step};
use crate::registry::Found;
use crate::state_file;
use crate::token;

/// A request for a code.
#[derive(Clone, Debug)]
pub struct CodeRequest {
    /// The credential's id.
    pub credential: ObjectId,
    /// Whether the caller may use the credential, once its token is there.
    pub permits: Permits,
    /// Whether to return the code of the next time step as well.
    pub next: bool,
    /// The minimum remaining validity of the returned code; at most one period.
    pub min_validity: Duration,
    /// Whether the caller will submit this code: its time step is recorded as spent before the reply.
    pub claim: bool,
    /// Whether the request may use up a code of a counter-based credential.
    pub advance_counter: bool,
    /// Whether the request may set the clock of the token, also back.
    pub set_time: bool,
}

/// A code and its validity.
#[derive(Debug)]
pub struct CodeReply {
    /// The code.
    pub code: Code,
    /// Start and end of the validity, in Unix time; `None` for a counter-based credential.
    pub valid: Option<(Duration, Duration)>,
    /// The code of the next time step, if requested.
    pub next: Option<Code>,
    /// Whether the code has another length than the token listed, so that the credential changes.
    pub corrects_length: bool,
}

impl Flows {
    /// Calculates a code.
    ///
    /// # Errors
    ///
    /// Any [`Error`] except those of Cognito. With `claim`, a spent step is an error at once.
    pub async fn code(&self, request: &CodeRequest, operation: &Operation) -> Result<CodeReply, Error> {
        let target = Target::Id(request.credential.clone());
        let mut found = self.find(&target, operation).await?;
        loop {
            request.permits.check(&found)?;
            check(request, &found, operation)?;
            if found.credential.kind == Kind::Hotp {
                // Never repeated, because the counter may already have advanced.
                let calculated = self.calculate(&found, When::Counter, operation).await?;
                let corrects_length = is_news(&found.credential, &calculated.code);
                return Ok(CodeReply { code: calculated.code, valid: None, next: None, corrects_length });
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
                self.unspent(found).await?;
            }
            let calculated =
                self.calculate_together(found, request.next, request.set_time, operation).await?;
            let Some(step) = calculated.step else {
                return Err(token::Error::Malformed("a code without time step".to_owned()).into());
            };
            // The step may have ended during the wait for a touch; an expired code is useless.
            // A code of a step that has just started has the longest possible validity.
            let left = self.validity_left(step, period);
            if left.is_zero() || (left < request.min_validity && !is_fresh) {
                continue;
            }
            if request.claim {
                self.claim(found, step, &calculated.code).await?;
            }
            return Ok(CodeReply {
                code: calculated.code.clone(),
                valid: Some((step.start(period), step.next().start(period))),
                next: calculated.next.clone(),
                corrects_length: is_news(&found.credential, &calculated.code),
            });
        }
    }

    /// Records that the caller is going to send the code, unless an equal one was sent or claimed in this step.
    async fn claim(&self, found: &Found, step: Step, code: &Code) -> Result<(), Error> {
        let period = found.credential.name.period;
        let (guard, id, now) = (self.guard.clone(), found.id.to_string(), self.moment(period));
        if !self.sent_codes.first_time(step, code, now) {
            return Err(Error::StepSpent { opens: step.next().start(period) });
        }
        let claimed = blocking(move || guard.claim(&id, step, now)).await;
        if matches!(claimed, Err(guard::Error::Unavailable(_))) {
            self.sent_codes.take_back(step, code, period);
        }
        claimed.map_err(|error| spent(error, period))
    }

    /// The current time step.
    pub(super) fn now(&self, period: Period) -> Step {
        Step::at(self.clock.unix_time(), period)
    }

    /// The remaining validity of a step's code: zero after the step, more than a period before the step.
    pub(super) fn validity_left(&self, step: Step, period: Period) -> Duration {
        step.next().start(period).saturating_sub(self.clock.unix_time())
    }

    /// The current time, in steps of this period.
    pub(super) fn moment(&self, period: Period) -> Now {
        Now::new(self.clock.unix_time(), period)
    }

    /// The first step that the single-use record allows.
    pub(super) async fn earliest(&self, credential: &ObjectId, now: Now) -> Result<Step, Error> {
        let (guard, credential) = (self.guard.clone(), credential.to_string());
        let earliest = blocking(move || guard.earliest(&credential, now)).await;
        earliest.map_err(|error| spent(error, now.period()))
    }

    async fn unspent(&self, found: &Found) -> Result<(), Error> {
        let period = found.credential.name.period;
        let now = self.moment(period);
        let earliest = self.earliest(&found.id, now).await?;
        if earliest > now.step() {
            return Err(Error::StepSpent { opens: earliest.start(period) });
        }
        Ok(())
    }

    /// Waits for the next step if necessary; returns whether it waited.
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

/// Runs work on the guard's file on a thread for blocking calls. It runs to its end even if the caller leaves the bus.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, guard::Error> + Send + 'static,
) -> Result<T, guard::Error> {
    let lost = guard::Unavailable::Record(state_file::Error::Unwritable(ErrorKind::Other));
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(lost.into()))
}

/// Converts an error of the guard.
pub(super) fn spent(error: guard::Error, period: Period) -> Error {
    match error {
        guard::Error::Spent { earliest } => Error::StepSpent { opens: earliest.start(period) },
        guard::Error::Unavailable(why) => Error::StateUnavailable(why),
    }
}

/// Whether a code has another length than its token listed.
fn is_news(credential: &Credential, code: &Code) -> bool {
    let length = usize::from(credential.digits.get());
    !credential.digits_known && credential.kind != Kind::Steam && code.expose().len() != length
}

fn check(request: &CodeRequest, found: &Found, operation: &Operation) -> Result<(), Error> {
    let invalid = |why: &str| Err(Error::InvalidArgument(why.to_owned()));
    let (credential, own_clock): (&Credential, _) = (&found.credential, found.token.info.own_clock);
    if !operation.request().interactive && credential.touch == Touch::Yes {
        return Err(Error::TouchRequired);
    }
    match credential.kind {
        Kind::Hotp if request.next || request.claim || !request.min_validity.is_zero() => {
            invalid("the options next, min-validity and claim require a time-based credential")
        }
        Kind::Hotp if !request.advance_counter => Err(Error::CounterNotConfirmed),
        Kind::Totp | Kind::Steam if request.advance_counter => {
            invalid("the option advance-counter requires a counter-based credential")
        }
        _ if request.set_time && (!own_clock || credential.kind == Kind::Hotp) => {
            invalid("the option set-time requires a time-based credential of a token with its own clock")
        }
        Kind::Totp | Kind::Steam if request.next && own_clock => {
            Err(Error::Unsupported("its token has codes of the current time step only".to_owned()))
        }
        _ if request.min_validity > Duration::from_secs(credential.name.period.seconds().into()) => {
            invalid("the option min-validity is longer than the time step of this credential")
        }
        _ => Ok(()),
    }
}
