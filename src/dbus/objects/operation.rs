//! `operations/<sender>/<handle>`: `io.github.oathbridge.OathBridge1.Operation`, a running request.

use std::sync::{Arc, RwLock};

use zbus::message::Header;
use zbus::{ObjectPath, interface};

use crate::dbus::args::{Map, variant};
use crate::dbus::bridge::Bridge;
use crate::dbus::call::Call;
use crate::dbus::error::Error;
use crate::dbus::names;
use crate::operations::{Cancellation, Operation, Requester, State};
use crate::sync::IgnorePoison;

/// An operation on the bus.
pub(in crate::dbus) struct OperationObject {
    pub(in crate::dbus) operation: Operation,
    /// The state that was published last.
    pub(in crate::dbus) shown: Arc<RwLock<State>>,
    pub(in crate::dbus) bridge: Arc<Bridge>,
}

/// The object of an operation.
pub(in crate::dbus) fn path(operation: &Operation) -> ObjectPath<'static> {
    let request = operation.request();
    names::operation(&request.caller, request.handle.as_deref(), operation.number())
}

/// The requester, in the form that other programs may see.
pub(in crate::dbus) fn requester(requester: &Requester) -> Map {
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
        self.shown.read().ignore_poison().to_string()
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
        let call = Call::authorize_on(&self.bridge, &header, Some(&self.operation)).await?;
        let cancel = async { Ok::<_, Error>(self.operation.cancel(Cancellation::Caller)) };
        call.perform(&path(&self.operation), cancel).await
    }

    #[zbus(out_args("result"))]
    async fn get_result(&self, #[zbus(header)] header: Header<'_>) -> Result<Map, Error> {
        let call = Call::authorize_on(&self.bridge, &header, Some(&self.operation)).await?;
        let client = Arc::clone(call.client());
        let result = async { client.result(&self.operation).ok_or_else(Error::not_over) };
        call.perform(&path(&self.operation), result).await
    }
}
