//! Runs a call that may wait as an operation, from its start until its result is dropped.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;

use super::args::{Common, Map};
use super::bridge::Bridge;
use super::call::Call;
use super::error::Error;
use super::records::outcome;
use crate::oath::{ObjectId, TokenId};
use crate::operations::{Deadline, Kind, Operation, Request, State};

/// An operation that ends sooner is not published.
const MIN_PUBLISHED_DURATION: Duration = Duration::from_millis(300);

/// The time for which the result of an operation with a handle is kept.
const RESULT_RETENTION: Duration = Duration::from_secs(60);

/// The maximum number of kept results of a caller; the oldest are dropped first.
const RESULTS_PER_CALLER: usize = 32;

/// The timeout for sending a reply.
const REPLY_SEND_TIME: Duration = Duration::from_secs(1);

/// The request of a call.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) kind: Kind,
    /// The credential's id, if it is already known.
    pub(super) credential: Option<ObjectId>,
    /// The token's id, for a request about a token.
    pub(super) token: Option<TokenId>,
    pub(super) common: Common,
}

impl Call<'_> {
    /// Runs the work as an operation, which can be watched and cancelled.
    ///
    /// `values` gives the values of `GetResult` after a success.
    pub(super) async fn operate<T>(
        self,
        task: Task,
        work: impl AsyncFnOnce(&Operation) -> Result<T, Error>,
        values: impl FnOnce(&T) -> Map,
    ) -> Result<T, Error> {
        self.charge()?;
        let operation = self.begin(task).inspect_err(|_| self.take_back())?;
        // In a box, since each function on the way up to zbus has room for the future twice.
        let work = Box::pin(async {
            let result = carry_out(self.bridge, &operation, work).await;
            let result = result.map_err(|error| error.after(operation.waited_for_token()));
            if !operation.is_tried() {
                self.take_back();
            }
            if result.as_ref().is_err_and(Error::is_denial) {
                self.count_denial();
            }
            self.end(&operation, &result, values).await;
            result
        });
        let object = || {
            let object = operation.credential().map(|id| id.to_string());
            object.or_else(|| operation.token().map(|id| id.to_string())).unwrap_or_default()
        };
        let result = self.conclude(work, object).await;
        self.keep(operation);
        result
    }

    fn begin(&self, task: Task) -> Result<Operation, Error> {
        let Task { kind, credential, token, common } = task;
        let request = Request {
            kind,
            caller: self.client.name().to_owned(),
            requester: self.requester.clone(),
            handle: common.handle,
            credential,
            token,
            interactive: common.interactive,
            own_prompt: common.own_prompt,
            wait_for_token: common.wait_for_token,
            deadline: Deadline::since(self.arrived, common.timeout),
        };
        let operation = self.client.begin(&self.bridge.operations, request)?;
        // An event between the decision and the start would have cancelled an earlier operation.
        if let Some((why, _)) = self.bridge.blocked_by(self.method) {
            operation.cancel(why);
        }
        Ok(operation)
    }

    async fn end<T>(&self, operation: &Operation, result: &Result<T, Error>, values: impl FnOnce(&T) -> Map) {
        if operation.is_published() {
            let now = self.bridge.flows.clock().unix_time();
            self.client.keep(operation, outcome(operation.details(), result, values, now));
        }
        operation.end(match result {
            Ok(_) => State::Done,
            Err(error) if error.is_cancelled() => State::Cancelled,
            Err(_) => State::Failed,
        });
        if operation.is_published() {
            self.bridge.operations.caught_up().await;
        }
    }

    /// Removes the operation after its reply was sent, or after a time if it has a handle, and when the caller leaves.
    fn keep(self, operation: Operation) {
        let has_handle = operation.request().handle.is_some();
        if !has_handle && !operation.is_published() || operation.is_orphan() {
            return self.client.forget(&operation);
        }
        if has_handle {
            self.client.limit_results(RESULTS_PER_CALLER);
        }
        let sent = self.client.reply_sent(self.header);
        let (clock, client) = (Arc::clone(self.bridge.flows.clock()), Arc::clone(&self.client));
        tokio::spawn(async move {
            let kept = async {
                if has_handle {
                    return clock.sleep(RESULT_RETENTION).await;
                }
                tokio::select! {
                    _ = sent => {}
                    () = clock.sleep(REPLY_SEND_TIME) => {}
                }
            };
            client.left().run_until_cancelled(kept).await;
            client.forget(&operation);
        });
    }
}

async fn carry_out<T>(
    bridge: &Bridge,
    operation: &Operation,
    work: impl AsyncFnOnce(&Operation) -> Result<T, Error>,
) -> Result<T, Error> {
    // The first poll of the work may start something on the token that cannot be cancelled.
    if let Some(why) = operation.cancelled().now_or_never() {
        return Err(why.into());
    }
    let published = async {
        bridge.flows.clock().sleep(MIN_PUBLISHED_DURATION).await;
        operation.publish();
        std::future::pending().await
    };
    tokio::select! {
        biased;
        result = work(operation) => result,
        why = operation.cancelled() => Err(why.into()),
        () = published => Err(Error::internal()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, SystemClock};
    use crate::config::Files;
    use crate::flows::Flows;
    use crate::operations::{Cancellation, Operations, Requester};
    use crate::registry::Registry;
    use crate::token::Identities;

    /// The first step of the work may advance the counter of a token.
    #[tokio::test]
    async fn a_cancelled_operation_does_not_start_its_work() {
        let state = tempfile::tempdir().unwrap();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let directory = state.path().join("state");
        let (registry, _) = Registry::new(Vec::new(), Arc::clone(&clock), Identities::new(directory.clone()));
        let flows = Flows::new(registry, directory, Arc::clone(&clock)).unwrap();
        let (operations, _news) = Operations::new(Arc::clone(&clock));
        let bridge = Bridge::new(flows, operations.clone(), Files::default());
        let request = Request {
            kind: Kind::Calculate,
            caller: ":1.7".to_owned(),
            requester: Requester { kind: "unknown".to_owned(), name: String::new() },
            handle: None,
            credential: None,
            token: None,
            interactive: true,
            own_prompt: false,
            wait_for_token: false,
            deadline: Deadline::after(RESULT_RETENTION, &*clock),
        };
        let operation = operations.begin(request);
        operation.cancel(Cancellation::ScreenLocked);
        let mut has_begun = false;
        let work = async |_: &Operation| {
            has_begun = true;
            Ok(())
        };
        assert!(carry_out(&bridge, &operation, work).await.unwrap_err().is_cancelled());
        assert!(!has_begun);
    }
}
