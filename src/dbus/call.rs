//! A call that may wait, from its first check to its reply: an operation, as long as it lasts.

use std::sync::Arc;
use std::time::Duration;

use zbus::message::Header;

use super::entry::{Entry, show};
use super::options::{Common, Map};
use super::{Bridge, Error, variant};
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
    pub(super) credential: Option<String>,
    /// The token's id, for what is not about a credential.
    pub(super) token: Option<String>,
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
            // Those that had begun before were cancelled when it happened.
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
            deadline: Deadline::after(common.timeout, &**self.flows.clock()),
        };
        self.operations.begin(request).map_err(|_| Error::handle_in_use())
    }

    async fn carry_out<T>(
        &self,
        operation: &Operation,
        work: impl AsyncFnOnce(&Operation) -> Result<T, Error>,
    ) -> Result<T, Error> {
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
        let object = operation.credential().or_else(|| operation.token()).unwrap_or_default();
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
