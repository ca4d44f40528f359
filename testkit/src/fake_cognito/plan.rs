//! Faults on demand.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// A fault of a request. The request is not processed, unless the fault says so.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Fault {
    /// No fault, for a plan that only delays or shifts `Date`.
    #[default]
    None,
    /// An exception with any name.
    Exception {
        /// The name, as in `__type`.
        code: String,
        /// The message.
        #[serde(default)]
        message: String,
        /// The HTTP status; the default is 400, or 500 for `InternalErrorException`.
        #[serde(default)]
        status: Option<u16>,
    },
    /// HTTP 200 with `Status: ERROR`.
    StatusError,
    /// HTTP 200 with an empty object.
    NoStatus,
    /// HTTP 503 with an HTML page, like a load balancer sends it.
    Html503,
    /// HTTP 200 with a body that is not JSON.
    Garbage,
    /// HTTP 200 with a success in a body of more than a megabyte.
    Huge,
    /// The request is read and never answered.
    Silence,
    /// The request is read and the connection closed.
    DropBefore,
    /// The request is processed and the connection closed.
    DropAfter,
    /// The request is processed and answered with HTTP 500.
    InternalErrorAfter,
    /// `NotAuthorizedException` with the access token or the session, the code and the responses to a challenge in
    /// its message.
    Echo,
    /// HTTP 307 to another place.
    Redirect {
        /// The `Location`.
        location: String,
    },
}

impl Fault {
    /// An exception with a message.
    pub fn exception(code: &str, message: &str) -> Self {
        Self::Exception { code: code.to_owned(), message: message.to_owned(), status: None }
    }
}

/// A fault, with the requests that it applies to and further settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Plan {
    /// The fault.
    pub fault: Fault,
    /// The number of requests that it applies to.
    pub count: u32,
    /// Restricts it to requests of this operation.
    pub operation: Option<String>,
    /// Seconds added to the `Date` of the response.
    pub date_skew: i64,
    /// A delay in milliseconds before the request is handled.
    pub delay_ms: u64,
    /// The `Retry-After` of the response, in milliseconds.
    pub retry_after_ms: Option<u64>,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            fault: Fault::None,
            count: 1,
            operation: None,
            date_skew: 0,
            delay_ms: 0,
            retry_after_ms: None,
        }
    }
}

impl From<Fault> for Plan {
    fn from(fault: Fault) -> Self {
        Self { fault, ..Self::default() }
    }
}

/// The queue of plans.
#[derive(Debug, Default)]
pub(super) struct Plans(VecDeque<Plan>);

impl Plans {
    pub(super) fn add(&mut self, plan: Plan) {
        self.0.push_back(plan);
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// The plan for a request that has arrived.
    pub(super) fn next(&mut self, operation: &str) -> Plan {
        self.0.retain(|plan| plan.count > 0);
        let fits = |plan: &&mut Plan| plan.operation.as_ref().is_none_or(|wanted| wanted == operation);
        match self.0.iter_mut().find(fits) {
            Some(plan) => {
                plan.count -= 1;
                plan.clone()
            }
            None => Plan::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_apply_in_order_and_to_their_number_of_requests() {
        let mut plans = Plans::default();
        let verify = Some("VerifySoftwareToken".to_owned());
        plans.add(Plan { operation: verify, ..Plan::from(Fault::Silence) });
        plans.add(Plan { count: 2, ..Plan::from(Fault::StatusError) });
        assert_eq!(plans.next("GetUser").fault, Fault::StatusError);
        assert_eq!(plans.next("VerifySoftwareToken").fault, Fault::Silence);
        assert_eq!(plans.next("VerifySoftwareToken").fault, Fault::StatusError);
        assert_eq!(plans.next("VerifySoftwareToken"), Plan::default());
    }
}
