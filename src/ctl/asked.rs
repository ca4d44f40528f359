//! The user's side of a request and the details of its result: what the sentence of a failure needs besides its name.

use std::collections::HashMap;

use zbus::OwnedVariant;

/// The kind of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Task {
    /// It returns a code.
    Code,
    /// It submits a code.
    Submit,
    /// It unlocks a token.
    Unlock,
    /// It changes the credentials of a token.
    Change,
    /// Another one.
    #[default]
    Other,
}

/// A request in the words of the user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// The kind of the request.
    pub task: Task,
    /// The account of the credential; `None` if the user named no credential.
    pub account: Option<String>,
    /// The profile that the user named.
    pub profile: Option<String>,
    /// The profiles of the configuration.
    pub profiles: Vec<String>,
    /// The value of `--timeout`, in seconds.
    pub timeout: Option<u32>,
}

/// The details of a result, from `GetResult`. All are empty if the daemon kept none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    /// Cognito's own error code.
    pub aws_code: Option<String>,
    /// The id of the request at Cognito.
    pub request_id: Option<String>,
    /// The Unix time at which a new attempt may succeed, in seconds.
    pub retry_at: Option<u64>,
}

impl Details {
    /// The details in a result. A value that is absent or has another type counts as absent.
    pub(super) fn new(result: &HashMap<String, OwnedVariant>) -> Self {
        let text = |key: &str| result.get(key).and_then(|value| value.try_clone().ok()?.try_into().ok());
        let number = |key: &str| result.get(key).and_then(|value| value.try_clone().ok()?.try_into().ok());
        Self { aws_code: text("aws-code"), request_id: text("request-id"), retry_at: number("retry-at") }
    }
}
