//! Details of an operation besides its result.

use std::collections::BTreeMap;
use std::fmt;

use crate::secret::SecretText;

/// Details that a request collects, whatever its outcome.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SubmissionDetails {
    /// The number of codes that were sent or may have been sent.
    pub attempts: u32,
    /// The id of the last request that Cognito answered.
    pub request_id: Option<String>,
    /// Cognito's own error code of the last failure.
    pub aws_code: Option<String>,
    /// Cognito's clock minus ours in seconds, from its last response.
    pub clock_skew: Option<f64>,
    /// The challenge that followed after the session of the request was used up.
    pub challenge: Option<Challenge>,
}

/// The challenge with which a sign-in can continue.
#[derive(Clone, PartialEq)]
pub struct Challenge {
    /// The name, such as `SOFTWARE_TOKEN_MFA`.
    pub name: String,
    /// The session to answer it with.
    pub session: SecretText,
    /// The parameters from Cognito.
    pub parameters: BTreeMap<String, String>,
}

impl fmt::Debug for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The parameters contain the user's name.
        f.debug_struct("Challenge").field("name", &self.name).finish_non_exhaustive()
    }
}

impl SubmissionDetails {
    /// Whether a code was sent or may have been sent.
    pub fn submitted(&self) -> bool {
        self.attempts > 0
    }
}
