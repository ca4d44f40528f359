//! RespondToAuthChallenge: the second factor of a sign-in.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use aws_sdk_cognitoidentityprovider as sdk;
use sdk::operation::respond_to_auth_challenge::RespondToAuthChallengeOutput;
use sdk::types::{AuthenticationResultType, ChallengeNameType};

use super::classify::{classify, unknown};
use super::client::{Answer, Client};
use super::exchange::Exchange;
use super::{Error, ErrorKind, Respondent, Session};
use crate::otp::Code;
use crate::secret::SecretText;

/// Cognito's response to an answer.
#[derive(Debug)]
pub enum Responded {
    /// The user is signed in.
    Tokens(Box<Tokens>),
    /// Cognito sent another challenge.
    Next(NextChallenge),
}

/// The tokens of a signed-in user.
#[derive(Clone)]
pub struct Tokens {
    /// The token for the API of Cognito and of the app.
    pub access_token: SecretText,
    /// The token with the user's identity.
    pub id_token: Option<SecretText>,
    /// The token to get new tokens.
    pub refresh_token: Option<SecretText>,
    /// `Bearer`.
    pub token_type: String,
    /// Lifetime of the access token in seconds.
    pub expires_in: u32,
    /// Key and group of a new device.
    pub new_device: Option<(String, String)>,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").finish_non_exhaustive()
    }
}

/// Another challenge.
#[derive(Clone)]
pub struct NextChallenge {
    /// The name, such as `NEW_PASSWORD_REQUIRED`.
    pub name: String,
    /// The session to answer it with.
    pub session: Option<SecretText>,
    /// The challenge's parameters.
    pub parameters: BTreeMap<String, String>,
}

impl fmt::Debug for NextChallenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The parameters contain the user's name.
        f.debug_struct("NextChallenge").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The device name of the token in Cognito's parameters, if there is one.
pub fn device_name(parameters: &BTreeMap<String, String>) -> Option<String> {
    parameters.get("FRIENDLY_DEVICE_NAME").filter(|name| !name.is_empty()).cloned()
}

impl Client {
    /// Answers SOFTWARE_TOKEN_MFA with a code. At most one request is sent. A caller that drops the future before it
    /// ends must treat the code as sent.
    ///
    /// # Errors
    ///
    /// In the answer: any [`ErrorKind`].
    pub async fn answer_with_code(
        &self,
        respondent: &Respondent,
        session: &Session,
        code: &Code,
    ) -> Answer<Responded> {
        if !code.is_six_digits() {
            let result = Err(Error::unsent(ErrorKind::InvalidParameter));
            return Answer { result, request_id: None, clock_skew: None };
        }
        let response = ("SOFTWARE_TOKEN_MFA_CODE", code.expose());
        self.respond(respondent, session, ChallengeNameType::SoftwareTokenMfa, response).await
    }

    /// Answers SELECT_MFA_TYPE with the software token.
    ///
    /// # Errors
    ///
    /// In the answer: any [`ErrorKind`].
    pub async fn select_software_token(
        &self,
        respondent: &Respondent,
        session: &Session,
    ) -> Answer<Responded> {
        let response = ("ANSWER", "SOFTWARE_TOKEN_MFA");
        self.respond(respondent, session, ChallengeNameType::SelectMfaType, response).await
    }

    async fn respond(
        &self,
        respondent: &Respondent,
        session: &Session,
        challenge: ChallengeNameType,
        (key, value): (&str, &str),
    ) -> Answer<Responded> {
        let exchange = Arc::new(Exchange::default());
        let result = async {
            let mut request = self
                .connect(&exchange)?
                .respond_to_auth_challenge()
                .client_id(respondent.client_id.expose())
                .challenge_name(challenge)
                .session(session.expose())
                .challenge_responses("USERNAME", respondent.username.expose())
                .challenge_responses(key, value);
            if let Some(hash) = respondent.secret_hash() {
                request = request.challenge_responses("SECRET_HASH", hash);
            }
            if let Some(key) = &respondent.device_key {
                request = request.challenge_responses("DEVICE_KEY", key);
            }
            for (key, value) in &respondent.metadata {
                request = request.client_metadata(key, value);
            }
            match request.send().await {
                Ok(output) => responded(output),
                Err(error) => Err(classify(&error, &exchange)),
            }
        };
        let result = result.await;
        Answer::of(result, &exchange)
    }
}

fn responded(output: RespondToAuthChallengeOutput) -> Result<Responded, Error> {
    if let Some(result) = output.authentication_result {
        return tokens(result).map(|tokens| Responded::Tokens(Box::new(tokens)));
    }
    let name = output.challenge_name.ok_or_else(|| unknown(ErrorKind::OutcomeUnknown))?;
    Ok(Responded::Next(NextChallenge {
        name: name.as_str().to_owned(),
        session: output.session.map(SecretText::new),
        parameters: output.challenge_parameters.unwrap_or_default().into_iter().collect(),
    }))
}

fn tokens(result: AuthenticationResultType) -> Result<Tokens, Error> {
    let new_device = result.new_device_metadata;
    Ok(Tokens {
        access_token: SecretText::new(result.access_token.ok_or_else(|| unknown(ErrorKind::OutcomeUnknown))?),
        id_token: result.id_token.map(SecretText::new),
        refresh_token: result.refresh_token.map(SecretText::new),
        token_type: result.token_type.unwrap_or_else(|| "Bearer".to_owned()),
        expires_in: u32::try_from(result.expires_in).unwrap_or_default(),
        new_device: new_device.and_then(|device| Some((device.device_key?, device.device_group_key?))),
    })
}
