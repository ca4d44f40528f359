//! What all exchanges with Cognito have in common, with a code or without one.

use super::{Flows, Policy};
use crate::cognito::{self, Client, Endpoint};
use crate::operations::Operation;

impl Flows {
    /// A client whose timeouts end before the deadline of the operation.
    pub(super) fn client(
        &self,
        policy: &Policy,
        endpoint: &Endpoint,
        operation: &Operation,
    ) -> Result<Client, cognito::Error> {
        let mut settings = policy.settings.clone();
        settings.request_timeout = settings.request_timeout.min(operation.deadline().left(&*self.clock));
        Client::new(&settings, endpoint, self.clock.clone())
    }
}

/// Before a step is reserved: files are read on another thread, and at the first submission only.
pub(super) async fn load_system_authorities() {
    // Without them the connection fails, and that is the error to report.
    let _ = tokio::task::spawn_blocking(cognito::load_system_authorities).await;
}

/// Adds the details of a response to the operation.
pub(super) fn note<T>(operation: &Operation, answer: &cognito::Answer<T>) {
    operation.note(|details| {
        details.clock_skew = answer.clock_skew.or(details.clock_skew);
        details.request_id = answer.request_id.clone().or_else(|| details.request_id.take());
        details.aws_code = answer.result.as_ref().err().and_then(|error| error.aws_code.clone());
    });
}
