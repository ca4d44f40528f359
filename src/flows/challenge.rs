//! Answer the challenge of a sign-in with RespondToAuthChallenge: choose the software token if there is a choice, and
//! submit its code.

use super::submission::{Submit, note};
use super::{Error, Flows, Submission, Target};
use crate::cognito::{
    self, Answer, Client, Delivered, ErrorKind, NextChallenge, Responded, Respondent, Session,
};
use crate::operations::{Operation, State};
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
        let NextChallenge { session: Some(session), parameters, .. } = next else {
            return Ok(Responded::Next(next));
        };
        let mut submission = request.submission.clone();
        if let Target::Query(query) = &mut submission.credential
            && let Some(device) = parameters.get("FRIENDLY_DEVICE_NAME")
        {
            query.device = Some(device.clone());
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
            Err(Error::Ambiguous(_)) => return self.in_time(operation),
            Err(error) => return Err(error),
        };
        self.may_submit(&found, operation)?;
        self.next_opening(&found, &submission.policy, otp::Step(0), operation).await?;
        self.in_time(operation)
    }

    /// Carries no code, so nothing is spent when it fails.
    async fn select(&self, request: &ChallengeRequest, operation: &Operation) -> Result<Responded, Error> {
        operation.set_state(State::Calculating);
        let client = self.client(&request.submission, operation)?;
        let answer = client.select_software_token(&request.respondent, &request.session).await;
        note(operation, &answer);
        let without_code = |error: cognito::Error| match error.delivered {
            // Nobody knows what became of the choice, but no code was sent with it.
            Delivered::Unknown => cognito::Error { kind: ErrorKind::Network, ..error },
            Delivered::Yes | Delivered::No => error,
        };
        Ok(answer.result.map_err(without_code)?)
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
