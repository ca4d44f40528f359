//! Submits a code with VerifySoftwareToken, to enrol a token or verify it again.

use super::find::device_name;
use super::submission::Submit;
use super::{Error, Flows, Submission};
use crate::cognito::{Answer, Authorization, Client, Verified};
use crate::operations::Operation;
use crate::otp::Code;
use crate::registry::Found;
use crate::secret::SecretText;

/// A request to submit a code with VerifySoftwareToken.
#[derive(Debug)]
pub struct VerifyRequest {
    /// The credential, the endpoint and the policy.
    pub submission: Submission,
    /// The access token or the session.
    pub authorization: Authorization,
    /// The name of the token in Cognito; the default is its model and serial number.
    pub device_name: Option<String>,
}

/// The outcome `SUCCESS`.
#[derive(Debug)]
pub struct VerifyReply {
    /// The session for the next call of the sign-in, if Cognito returned one.
    pub session: Option<SecretText>,
}

impl Flows {
    /// Submits codes until one is accepted, at most as many as the policy allows, each of another time step.
    ///
    /// The details of Cognito's responses are added to the operation.
    ///
    /// # Errors
    ///
    /// Any [`Error`]. An error of Cognito means that a code was sent, unless it is `Network`, `Tls` or `Config`.
    pub async fn verify(&self, request: &VerifyRequest, operation: &Operation) -> Result<VerifyReply, Error> {
        let Verified { session } = self.submit(&request.submission, request, operation).await?;
        Ok(VerifyReply { session })
    }
}

impl Submit for VerifyRequest {
    type Done = Verified;

    async fn submit(&self, client: &Client, code: &Code, found: &Found) -> Answer<Verified> {
        let device_name = self.device_name.clone().unwrap_or_else(|| device_name(&found.token));
        client.verify_software_token(&self.authorization, code, &device_name).await
    }
}
