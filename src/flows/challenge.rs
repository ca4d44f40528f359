//! Answers the challenge of a sign-in with RespondToAuthChallenge: selects the software token if there is a choice, and
//! submits its code.

use futures_util::FutureExt;

use super::exchange::{load_system_authorities, note};
use super::submission::Submit;
use super::{Error, Flows, Submission, Target};
use crate::cognito::{self, Answer, Client, Delivered, NextChallenge, Responded, Respondent, Session};
use crate::operations::{Challenge, Operation, Sending, State};
use crate::otp::{self, Code};
use crate::registry::Found;

/// The challenge to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// `SELECT_MFA_TYPE`: the choice of the second factor.
    SelectMfaType,
    /// `SOFTWARE_TOKEN_MFA`: a code.
    SoftwareTokenMfa,
}

/// A request to answer a challenge.
#[derive(Debug)]
pub struct ChallengeRequest {
    /// The credential, the endpoint and the policy.
    pub submission: Submission,
    /// The challenge.
    pub step: Step,
    /// The session that came with the challenge.
    pub session: Session,
    /// The app client and the user.
    pub respondent: Respondent,
}

impl Flows {
    /// Answers the challenge. After SELECT_MFA_TYPE it also answers the next challenge if that asks for the code. The
    /// same session is valid for a second code if the first one was refused.
    ///
    /// # Errors
    ///
    /// Any [`Error`]. An error of Cognito means that a code was sent, unless the details of the operation say otherwise.
    pub async fn respond(
        &self,
        request: &ChallengeRequest,
        operation: &Operation,
    ) -> Result<Responded, Error> {
        if request.step == Step::SoftwareTokenMfa {
            let answer = Reply { respondent: &request.respondent, session: &request.session };
            return self.submit(&request.submission, &answer, operation).await;
        }
        load_system_authorities().await;
        self.can_follow(&request.submission, operation).await?;
        let next = match self.select(request, operation).await? {
            Responded::Next(next) if next.name == "SOFTWARE_TOKEN_MFA" => next,
            other => return Ok(other),
        };
        let NextChallenge { name, session: Some(session), parameters } = next else {
            return Ok(Responded::Next(next));
        };
        // If a later part fails, the sign-in can continue with this challenge.
        let challenge = Challenge { name, session: session.clone(), parameters: parameters.clone() };
        operation.note(|details| details.challenge = Some(challenge));
        operation.end_submission();
        if let Some(why) = operation.cancelled().now_or_never() {
            return Err(why.into());
        }
        let mut submission = request.submission.clone();
        if let Target::Query(query) = &mut submission.credential
            && let Some(device) = cognito::device_name(&parameters)
        {
            query.device = Some(device);
        }
        let session = Session::parse(session)?;
        let respondent = request.respondent.named_by(&parameters);
        submission.account.add_user(respondent.username());
        self.submit(&submission, &Reply { respondent: &respondent, session: &session }, operation).await
    }

    /// Checks that a code can follow the choice. Otherwise the choice would use up the session for nothing.
    async fn can_follow(&self, submission: &Submission, operation: &Operation) -> Result<(), Error> {
        let found = match self.find(&submission.credential, operation).await {
            Ok(found) => found,
            // The next challenge may name the credential.
            Err(Error::Ambiguous(_) | Error::Unnamed) => {
                self.permits_any(submission)?;
                return self.in_time(operation);
            }
            Err(error) => return Err(error),
        };
        submission.permits.check(&found)?;
        self.may_submit(&found, operation)?;
        self.until_open(&submission.account.keys(&found.id.to_string()), operation).await?;
        self.next_window(&found, &submission.policy, otp::Step(0), operation).await?;
        self.in_time(operation)
    }

    /// Checks that the caller may use a code of at least one credential that the next challenge can name. A locked token
    /// may have others. A token that is plugged in later needs another call, for which the session is still valid.
    fn permits_any(&self, submission: &Submission) -> Result<(), Error> {
        let Target::Query(query) = &submission.credential else { return Ok(()) };
        let (candidates, locked) = query.candidates(&self.registry.subscribe().borrow());
        if !locked.is_empty() {
            return Ok(());
        }
        let verdicts = candidates.iter().map(|found| submission.permits.check(found));
        verdicts.reduce(Result::or).unwrap_or(Ok(()))
    }

    /// Sends the choice of the software token. It contains no code, so a failure spends no time step, but it may use up the
    /// session. So nothing interrupts it until [`Operation::end_submission`]: the caller must learn the state of the
    /// session.
    async fn select(&self, request: &ChallengeRequest, operation: &Operation) -> Result<Responded, Error> {
        let client = self.client(&request.submission.policy, &request.submission.endpoint, operation)?;
        operation.begin_submission(Sending::Choice)?;
        operation.set_state(State::Submitting);
        operation.begin_trying();
        let answer = client.select_software_token(&request.respondent, &request.session).await;
        note(operation, &answer);
        answer.result.map_err(|error| match error.delivered {
            Delivered::Unknown => Error::ChoiceUnknown(error),
            Delivered::Yes | Delivered::No => Error::Cognito(error),
        })
    }
}

/// The answer to SOFTWARE_TOKEN_MFA with a code.
struct Reply<'a> {
    respondent: &'a Respondent,
    session: &'a Session,
}

impl Submit for Reply<'_> {
    type Done = Responded;

    async fn submit(&self, client: &Client, code: &Code, _: &Found) -> Answer<Responded> {
        client.answer_with_code(self.respondent, self.session, code).await
    }
}
