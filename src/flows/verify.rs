//! Prove a token to Cognito with VerifySoftwareToken.

use super::find::device_name;
use super::submission::Submit;
use super::{Error, Flows, Submission};
use crate::cognito::{Answer, Authorization, Client, Verified};
use crate::operations::Operation;
use crate::otp::Code;
use crate::registry::Found;
use crate::secret::SecretText;

/// A token is to be proved.
#[derive(Debug)]
pub struct VerifyRequest {
    /// With which credential, where and how.
    pub submission: Submission,
    /// The access token or the session.
    pub authorization: Authorization,
    /// What Cognito shall call the token; made from its model and serial number if absent.
    pub device_name: Option<String>,
}

/// Cognito said SUCCESS.
#[derive(Debug)]
pub struct VerifyReply {
    /// The session for the next call of the sign-in, if Cognito gave one.
    pub session: Option<SecretText>,
}

impl Flows {
    /// Submits codes until one is accepted, at most as many as the policy allows, each of another time step.
    ///
    /// What Cognito told besides its answer is noted in the operation.
    ///
    /// # Errors
    ///
    /// Any [`Error`]. One of Cognito's means that a code was sent, unless it says `Network`, `Tls` or `Config`.
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
