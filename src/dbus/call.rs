//! A call that may wait, from its first check to its reply: an operation, as long as it lasts.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use zbus::message::Header;

use super::entry::{Entry, show};
use super::options::{Common, Map};
use super::{Bridge, Error, variant};
use crate::oath::{ObjectId, TokenId};
use crate::operations::{Deadline, Kind, Operation, Request, State};

/// What is over sooner needs no object.
const QUICK: Duration = Duration::from_millis(300);

/// How long others can ask how an operation ended that they gave a handle.
const KEPT: Duration = Duration::from_secs(60);

/// How many of them are kept for one caller; the oldest go first.
const MOST_KEPT: usize = 32;

/// How long a reply may take to leave.
const LEAVING: Duration = Duration::from_secs(1);

/// What is asked for.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) kind: Kind,
    /// The credential's id, if it is known already.
    pub(super) credential: Option<ObjectId>,
    /// The token's id, for what is not about a credential.
    pub(super) token: Option<TokenId>,
    pub(super) common: Common,
}

impl Bridge {
    /// Does what is asked for as an operation, which can be watched and cancelled, and leaves a line in the journal.
    ///
    /// `values` says what `GetResult` tells of a success.
    pub(super) async fn operate<T>(
        self: &Arc<Self>,
        entry: Entry<'_>,
        task: Task,
        work: impl AsyncFnOnce(&Operation) -> Result<T, Error>,
        values: impl FnOnce(&T) -> Map,
    ) -> Result<T, Error> {
        self.spend(&entry)?;
        let operation = self.begin(&entry, task)?;
        if let Some(why) = self.came_too_late(&entry) {
            operation.cancel(why);
        }
        let result = self.carry_out(&operation, work).await;
        if operation.is_published() {
            self.results.put(&operation, &result, values, &**self.flows.clock());
        }
        operation.end(match &result {
            Ok(_) => State::Done,
            Err(error) if error.is_cancelled() => State::Cancelled,
            Err(_) => State::Failed,
        });
        if operation.is_published() {
            self.operations.caught_up().await;
        }
        self.mirrored().await;
        self.audit(&entry, &operation, result.as_ref().err());
        self.keep(entry.header, operation);
        result
    }

    fn begin(&self, entry: &Entry<'_>, task: Task) -> Result<Operation, Error> {
        let Task { kind, credential, token, common } = task;
        let request = Request {
            kind,
            caller: entry.caller.clone(),
            requester: entry.requester.clone(),
            handle: common.handle,
            credential,
            token,
            interactive: common.interactive,
            own_prompt: common.own_prompt,
            wait_for_token: common.wait_for_token,
            deadline: Deadline::since(entry.arrived, common.timeout),
        };
        self.operations.begin(request).map_err(|_| Error::handle_in_use())
    }

    async fn carry_out<T>(
        &self,
        operation: &Operation,
        work: impl AsyncFnOnce(&Operation) -> Result<T, Error>,
    ) -> Result<T, Error> {
        // The first poll of the work may have the token begin something that can't be called off.
        if let Some(why) = operation.cancelled().now_or_never() {
            return Err(why.into());
        }
        let published = async {
            self.flows.clock().sleep(QUICK).await;
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

    /// Who, what, how it ended; never a secret.
    fn audit(&self, entry: &Entry<'_>, operation: &Operation, error: Option<&Error>) {
        let object = operation.credential().map(|id| id.to_string());
        let object = object.or_else(|| operation.token().map(|id| id.to_string())).unwrap_or_default();
        let outcome = error.map_or_else(|| "done".to_owned(), Error::full_name);
        let requester = show(&entry.requester);
        tracing::info!(caller = entry.caller, requester, object, outcome, "{}", operation.request().kind);
    }

    /// Lets the operation go when its reply has left, or when its time is up if it has a handle.
    fn keep(self: &Arc<Self>, header: &Header<'_>, operation: Operation) {
        if operation.request().handle.is_none() && !operation.is_published() {
            return;
        }
        if operation.is_orphan() {
            return self.results.forget(&operation);
        }
        let (bridge, sent) = (Arc::clone(self), self.replies.sent(header));
        if operation.request().handle.is_some() {
            self.results.limit(&operation.request().caller, MOST_KEPT);
        }
        tokio::spawn(async move {
            let clock = bridge.flows.clock();
            if operation.request().handle.is_some() {
                clock.sleep(KEPT).await;
            } else {
                tokio::select! {
                    _ = sent => {}
                    () = clock.sleep(LEAVING) => {}
                }
            }
            bridge.results.forget(&operation);
        });
    }
}

/// Adds a text, if there is one.
pub(super) fn put_text(map: &mut Map, key: &str, text: Option<&str>) {
    if let Some(text) = text {
        map.insert(key.to_owned(), variant(text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, SystemClock};
    use crate::config::{Config, Loaded};
    use crate::flows::Flows;
    use crate::operations::{Cancellation, Operations, Requester};
    use crate::registry::Registry;
    use crate::token::Identities;

    /// A first step may be to have a token count.
    #[tokio::test]
    async fn nothing_is_begun_that_was_cancelled_before() {
        let state = tempfile::tempdir().unwrap();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let directory = state.path().to_owned();
        let (registry, _) = Registry::new(Vec::new(), Arc::clone(&clock), Identities::new(directory.clone()));
        let flows = Flows::new(registry, directory, Arc::clone(&clock)).unwrap();
        let (operations, _news) = Operations::new(Arc::clone(&clock));
        let bridge =
            Bridge::new(flows, operations.clone(), Loaded { config: Config::default(), source: None }, None);
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
            deadline: Deadline::after(KEPT, &*clock),
        };
        let operation = operations.begin(request).unwrap();
        operation.cancel(Cancellation::ScreenLocked);
        let mut has_begun = false;
        let work = async |_: &Operation| {
            has_begun = true;
            Ok(())
        };
        assert!(bridge.carry_out(&operation, work).await.unwrap_err().is_cancelled());
        assert!(!has_begun);
    }
}
