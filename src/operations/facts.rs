//! What is known of an operation besides its result: the details behind an error.

use std::collections::BTreeMap;
use std::fmt;

use crate::secret::SecretText;

/// Details that a request gathers on its way, whatever becomes of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// How many codes were sent, or may have been.
    pub attempts: u32,
    /// Cognito's name for the last request that it answered.
    pub request_id: Option<String>,
    /// Cognito's own name for the last failure.
    pub aws_code: Option<String>,
    /// Cognito's clock minus ours in seconds, by its last answer.
    pub clock_skew: Option<f64>,
    /// The challenge that the session which came with the request was given up for.
    pub challenge: Option<Challenge>,
}

/// What a sign-in goes on with.
#[derive(Clone, PartialEq)]
pub struct Challenge {
    /// Its name, such as `SOFTWARE_TOKEN_MFA`.
    pub name: String,
    /// The session to answer it with.
    pub session: SecretText,
    /// What Cognito tells besides.
    pub parameters: BTreeMap<String, String>,
}

impl fmt::Debug for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The parameters tell who signs in.
        f.debug_struct("Challenge").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Facts {
    /// Something was sent, or may have been.
    pub fn submitted(&self) -> bool {
        self.attempts > 0
    }
}
