//! `operations/<sender>/<handle>`: `io.github.oathbridge.OathBridge1.Operation`, a running request.

use std::sync::{Arc, PoisonError, RwLock};

use zbus::message::Header;
use zbus::{ObjectPath, interface};

use super::entry::Door;
use super::options::Map;
use super::{Bridge, Error, names, variant};
use crate::operations::{Cancellation, Operation, Requester, State};

/// An operation on the bus.
pub(super) struct OperationObject {
    pub(super) operation: Operation,
    /// The state that was announced last.
    pub(super) shown: Arc<RwLock<State>>,
    pub(super) bridge: Arc<Bridge>,
}

impl OperationObject {
    fn is_requester(&self, header: &Header<'_>) -> bool {
        header.sender().is_some_and(|sender| sender.as_str() == self.operation.request().caller)
    }
}

/// The object of an operation.
pub(super) fn path(operation: &Operation) -> ObjectPath<'static> {
    let request = operation.request();
    names::operation(&request.caller, request.handle.as_deref(), operation.number())
}

/// Who asked, as everybody may know it.
pub(super) fn requester(requester: &Requester) -> Map {
    Map::from([("kind".to_owned(), variant(&requester.kind)), ("name".to_owned(), variant(&requester.name))])
}

#[interface(name = "io.github.oathbridge.OathBridge1.Operation", introspection_docs = false)]
impl OperationObject {
    #[zbus(property(emits_changed_signal = "const"))]
    fn kind(&self) -> String {
        self.operation.request().kind.to_string()
    }

    #[zbus(property)]
    fn state(&self) -> String {
        self.shown.read().unwrap_or_else(PoisonError::into_inner).to_string()
    }

    #[zbus(property)]
    fn credential(&self) -> ObjectPath<'static> {
        self.operation.credential().map_or_else(names::none, |id| names::credential(&id))
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn requester(&self) -> Map {
        requester(&self.operation.request().requester)
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn deadline(&self) -> u64 {
        self.operation.ends().as_secs()
    }

    #[zbus(out_args("cancelled"))]
    async fn cancel(&self, #[zbus(header)] header: Header<'_>) -> Result<bool, Error> {
        let cancel = async { Ok::<_, Error>(self.operation.cancel(Cancellation::Caller)) };
        if self.is_requester(&header) {
            return cancel.await;
        }
        self.bridge.audited("Cancel", &path(&self.operation), &header, Door::SECURE, cancel).await
    }

    #[zbus(out_args("result"))]
    fn get_result(&self, #[zbus(header)] header: Header<'_>) -> Result<Map, Error> {
        if !self.is_requester(&header) {
            return Err(Error::not_the_requester());
        }
        self.bridge.results.get(&self.operation).ok_or_else(Error::not_over)
    }
}
