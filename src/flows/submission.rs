//! Submits codes to Cognito until one is accepted. Each code is of another time step, and none is submitted twice.

use std::future::Future;

use super::code::{blocking, spent};
use super::exchange::{load_system_authorities, note};
use super::find::is_curable;
use super::lockout_guard::{Key, LockoutGuard, Pending};
use super::submission_window::PERIOD;
use super::{Account, Error, Flows, Permits, Policy, Target};
use crate::cognito::{self, Client, Delivered, Endpoint, ErrorKind};
use crate::guard::{self, Reservation};
use crate::oath::When;
use crate::operations::{Operation, Sending, State};
use crate::otp::{Code, Step};
use crate::registry::Found;

/// The common parameters of all submissions.
#[derive(Clone, Debug)]
pub struct Submission {
    /// The credential.
    pub credential: Target,
    /// Whether the caller may use the credential that the target turns out to be.
    pub permits: Permits,
    /// The account, whose refused codes are counted.
    pub account: Account,
    /// The endpoint.
    pub endpoint: Endpoint,
    /// The settings.
    pub policy: Policy,
}

/// A request of Cognito's API that contains a code.
pub(super) trait Submit {
    /// The response if Cognito accepts the code.
    type Done;

    /// Sends the request, once.
    fn submit(
        &self,
        client: &Client,
        code: &Code,
        found: &Found,
    ) -> impl Future<Output = cognito::Answer<Self::Done>>;
}

impl Flows {
    /// Submits codes until one is accepted, at most as many as the policy allows.
    ///
    /// The details of Cognito's responses are added to the operation.
    ///
    /// # Errors
    ///
    /// Any [`Error`]. An error of Cognito means that a code was sent, unless it is `Network`, `Tls` or `Config`.
    pub(super) async fn submit<S: Submit>(
        &self,
        request: &Submission,
        how: &S,
        operation: &Operation,
    ) -> Result<S::Done, Error> {
        load_system_authorities().await;
        let found = self.find(&request.credential, operation).await?;
        request.permits.check(&found)?;
        let mut attempt =
            Attempt { flows: self, request, how, operation, found, not_before: Step(0), failure: None };
        for _ in 0..request.policy.max_attempts {
            match attempt.run().await? {
                Outcome::Accepted(done) => return Ok(done),
                Outcome::TryAgain => {}
            }
        }
        Err(attempt.failure.unwrap_or(Error::Timeout))
    }
}

/// The submissions of one request.
struct Attempt<'a, S> {
    flows: &'a Flows,
    request: &'a Submission,
    how: &'a S,
    operation: &'a Operation,
    found: Found,
    /// The first step that may be submitted.
    not_before: Step,
    /// The error of the last submission, with which the request ends if no other submission succeeds.
    failure: Option<Error>,
}

/// A code that is about to be sent.
struct Prepared {
    code: Code,
    step: Step,
    reservation: Reservation,
    /// Counts as a refusal until the answer is there.
    pending: Pending,
}

enum Outcome<T> {
    Accepted(T),
    TryAgain,
}

impl<S: Submit> Attempt<'_, S> {
    async fn run(&mut self) -> Result<Outcome<S::Done>, Error> {
        let operation = self.operation;
        let prepared = tokio::select! {
            biased;
            prepared = self.prepare() => prepared,
            why = operation.cancelled() => Err(why.into()),
        };
        let Prepared { code, step, reservation, pending } = match prepared {
            Ok(prepared) => prepared,
            // The first refusal is more useful than the reason why there was no second attempt.
            Err(error) => return Err(self.failure.take().unwrap_or(error)),
        };
        let answer = self.submit(&code).await;
        let delivered = answer.result.as_ref().map_or_else(|error| error.delivered, |_| Delivered::Yes);
        note(operation, &answer);
        operation.note(|details| details.attempts += u32::from(delivered != Delivered::No));
        self.settle(reservation, step, &code, delivered).await;
        self.not_before = step.next();
        match answer.result {
            Ok(done) => {
                self.flows.lockout_guard.accepted(pending);
                Ok(Outcome::Accepted(done))
            }
            Err(error) => {
                self.judge(error, pending)?;
                operation.end_submission();
                Ok(Outcome::TryAgain)
            }
        }
    }

    /// Waits for a step that may be submitted, calculates its code and records the intent to send it. After that the
    /// operation cannot be cancelled.
    async fn prepare(&mut self) -> Result<Prepared, Error> {
        loop {
            let (code, step) = match self.calculate().await {
                Ok(calculated) => calculated,
                Err(error) if is_curable(&error, self.operation) => {
                    let (target, operation) = (&self.request.credential, self.operation);
                    self.found = self.flows.find_again(target, operation, &self.found).await?;
                    self.request.permits.check(&self.found)?;
                    continue;
                }
                Err(error) => return Err(error),
            };
            // Codes of other requests may have been refused during a wait, or may be on their way.
            let (flows, keys) = (self.flows, self.keys());
            let begin = |guard: &LockoutGuard| guard.begin(keys.clone(), flows.clock.monotonic());
            // The code is not kept for longer than it may be sent.
            let usable =
                flows.validity_left(step, PERIOD).saturating_sub(self.request.policy.min_seconds_left);
            let Some(pending) = flows.unless_locked_out(self.operation, usable, begin).await? else {
                continue;
            };
            // A touch or an answer may have taken longer than the step.
            if flows.validity_left(step, PERIOD) < self.request.policy.min_seconds_left {
                flows.lockout_guard.not_refused(pending);
                continue;
            }
            match self.reserve(step, &code).await {
                Ok(Some(reservation)) => return Ok(Prepared { code, step, reservation, pending }),
                unsent => {
                    self.flows.lockout_guard.not_refused(pending);
                    unsent?;
                }
            }
        }
    }

    async fn calculate(&self) -> Result<(Code, Step), Error> {
        let (flows, found, operation) = (self.flows, &self.found, self.operation);
        flows.may_submit(found, operation)?;
        flows.until_open(&self.keys(), operation).await?;
        let moment = self.wait_for_step().await?;
        flows.in_time(operation)?;
        operation.begin_trying();
        let calculated = flows.calculate(found, moment, operation).await?;
        let Some(step) = calculated.step else {
            return Err(Error::Unsupported("its codes have no time step".to_owned()));
        };
        if !calculated.code.is_six_digits() {
            return Err(Error::Unsupported(
                "its codes do not have six digits, which Cognito requires".to_owned(),
            ));
        }
        Ok((calculated.code, step))
    }

    /// The names of the account, whose refused codes are counted.
    fn keys(&self) -> Vec<Key> {
        self.request.account.keys(&self.found.id.to_string())
    }

    /// Records the intent to send the code, unless it was sent before.
    async fn reserve(&mut self, step: Step, code: &Code) -> Result<Option<Reservation>, Error> {
        let flows = self.flows;
        flows.in_time(self.operation)?;
        self.operation.begin_submission(Sending::Code)?;
        if !flows.sent_codes.first_time(step, code, flows.moment(PERIOD)) {
            self.operation.end_submission();
            self.not_before = step.next();
            return Ok(None);
        }
        let (guard, credential, now) = (flows.guard.clone(), self.found.id.to_string(), flows.moment(PERIOD));
        let error = match blocking(move || guard.reserve(&credential, step, now)).await {
            Ok(reservation) => match flows.in_time(self.operation) {
                Ok(()) => return Ok(Some(reservation)),
                // Recording took too long.
                Err(late) => {
                    self.settle(reservation, step, code, Delivered::No).await;
                    late
                }
            },
            // Another program has used the step meanwhile.
            Err(guard::Error::Spent { earliest }) => {
                self.operation.end_submission();
                self.not_before = earliest;
                return Ok(None);
            }
            Err(error) => {
                flows.sent_codes.take_back(step, code, PERIOD);
                spent(error, PERIOD)
            }
        };
        self.operation.end_submission();
        Err(error)
    }

    /// Waits for a step that may be submitted and does not end too soon.
    async fn wait_for_step(&self) -> Result<When, Error> {
        loop {
            let policy = &self.request.policy;
            let window = self.flows.next_window(&self.found, policy, self.not_before, self.operation).await?;
            if window.wait.is_zero() {
                return Ok(When::NotBefore(window.step));
            }
            self.operation.set_state(State::WaitingStep);
            self.flows.clock.sleep(window.wait).await;
        }
    }

    async fn submit(&self, code: &Code) -> cognito::Answer<S::Done> {
        self.operation.set_state(State::Submitting);
        match self.flows.client(&self.request.policy, &self.request.endpoint, self.operation) {
            Ok(client) => self.how.submit(&client, code, &self.found).await,
            Err(error) => cognito::Answer { result: Err(error), request_id: None, clock_skew: None },
        }
    }

    /// Records the outcome of a code. Only a code that was provably not sent may be used again.
    async fn settle(&self, reservation: Reservation, step: Step, code: &Code, delivered: Delivered) {
        if delivered == Delivered::No {
            self.flows.sent_codes.take_back(step, code, PERIOD);
        }
        let settled = blocking(move || match delivered {
            Delivered::No => reservation.take_back(),
            Delivered::Yes | Delivered::Unknown => reservation.spent(),
        });
        if let Err(error) = settled.await {
            // The intent stays in the record and counts as spent, so the code cannot be sent twice.
            tracing::warn!("the single-use record of {} keeps its intent: {error}", self.found.id);
        }
    }

    /// Decides whether to submit the code of the next step; otherwise returns the error.
    fn judge(&mut self, error: cognito::Error, pending: Pending) -> Result<(), Error> {
        let refused = matches!(error.kind, ErrorKind::CodeMismatch | ErrorKind::CodeAlreadyUsed);
        if refused {
            self.flows.lockout_guard.refused(pending, self.flows.clock.monotonic());
        } else {
            self.flows.lockout_guard.not_refused(pending);
        }
        let again = refused || error.delivered == Delivered::Unknown;
        if self.says_more(&error) {
            self.failure = Some(Error::Cognito(error));
        }
        if again { Ok(()) } else { Err(self.failure.take().unwrap_or(Error::Timeout)) }
    }

    /// Whether the request ends with this failure. An unknown outcome of an earlier submission stays unknown, whatever the
    /// outcome of a later one. A later code that was not sent does not change that an earlier one was sent.
    fn says_more(&self, later: &cognito::Error) -> bool {
        match &self.failure {
            Some(Error::Cognito(earlier)) => {
                earlier.delivered != Delivered::Unknown && later.delivered != Delivered::No
            }
            _ => true,
        }
    }
}
