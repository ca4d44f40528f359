//! What is known of an operation besides its result: the details behind an error.

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
}

impl Facts {
    /// Something was sent, or may have been.
    pub fn submitted(&self) -> bool {
        self.attempts > 0
    }
}
