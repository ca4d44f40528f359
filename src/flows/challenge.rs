//! Answer the challenge of a sign-in with RespondToAuthChallenge: choose the software token if there is a choice, and
//! submit its code.

use futures_util::FutureExt;

use super::submission::{Submit, note};
use super::{Error, Flows, Submission, Target};
use crate::cognito::{self, Answer, Client, Delivered, NextChallenge, Responded, Respondent, Session};
use crate::operations::{Challenge, Operation, Sending, State};
use crate::otp::{self, Code};
use crate::registry::Found;

/// Which challenge is to be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// `SELECT_MFA_TYPE`: which kind of second factor shall be asked for.
    SelectMfaType,
    /// `SOFTWARE_TOKEN_MFA`: a code.
    SoftwareTokenMfa,
}

/// A challenge is to be answered.
#[derive(Debug)]
pub struct ChallengeRequest {
    /// With which credential, where and how.
    pub submission: Submission,
    /// Which challenge it is.
    pub step: Step,
    /// The session that came with it.
    pub session: Session,
    /// Who answers.
    pub respondent: Respondent,
}

impl Flows {
    /// Answers the challenge, and the one after it if that asks for the code that was chosen here. The same session
    /// is good for a second code when the first was refused.
    ///
    /// # Errors
    ///
    /// Any [`Error`]. One of Cognito's means that a code was sent, unless the operation's facts say otherwise.
    pub async fn respond(
        &self,
        request: &ChallengeRequest,
        operation: &Operation,
    ) -> Result<Responded, Error> {
        if request.step == Step::SoftwareTokenMfa {
            let answer = Reply { respondent: &request.respondent, session: &request.session };
            return self.submit(&request.submission, &answer, operation).await;
        }
        self.can_follow(&request.submission, operation).await?;
        let next = match self.select(request, operation).await? {
            Responded::Next(next) if next.name == "SOFTWARE_TOKEN_MFA" => next,
            other => return Ok(other),
        };
        let NextChallenge { name, session: Some(session), parameters } = next else {
            return Ok(Responded::Next(next));
        };
        // Whatever fails from here on, the sign-in can go on from there.
        let challenge = Challenge { name, session: session.clone(), parameters: parameters.clone() };
        operation.note(|facts| facts.challenge = Some(challenge));
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
        self.submit(&submission, &Reply { respondent: &respondent, session: &session }, operation).await
    }

    /// Whether a code can follow the choice: without one the session would be used up in vain.
    async fn can_follow(&self, submission: &Submission, operation: &Operation) -> Result<(), Error> {
        let found = match self.find(&submission.credential, operation).await {
            Ok(found) => found,
            // Which one it is, the next challenge may tell.
            Err(Error::Ambiguous(_) | Error::Unnamed) => return self.in_time(operation),
            Err(error) => return Err(error),
        };
        self.may_submit(&found, operation)?;
        self.next_opening(&found, &submission.policy, otp::Step(0), operation).await?;
        self.in_time(operation)
    }

    /// Carries no code, so no step is spent when it fails; the session may be. So it isn't interrupted, and until
    /// [`Operation::end_submission`] nothing is: the caller has to hear what became of the session.
    async fn select(&self, request: &ChallengeRequest, operation: &Operation) -> Result<Responded, Error> {
        let client = self.client(&request.submission, operation)?;
        operation.begin_submission(Sending::Choice)?;
        operation.set_state(State::Submitting);
        let answer = client.select_software_token(&request.respondent, &request.session).await;
        note(operation, &answer);
        answer.result.map_err(|error| match error.delivered {
            Delivered::Unknown => Error::ChoiceUnknown(error),
            Delivered::Yes | Delivered::No => Error::Cognito(error),
        })
    }
}

/// A code as the answer to SOFTWARE_TOKEN_MFA.
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
