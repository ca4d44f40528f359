//! The operations of one caller: running ones, and ended ones with kept results.

use std::collections::BTreeMap;

use zbus::OwnedVariant;

use crate::dbus::args::Map;
use crate::dbus::census::Counted;
use crate::operations::Operation;

/// The operations by number, the oldest first.
#[derive(Debug, Default)]
pub(in crate::dbus) struct OwnOperations(BTreeMap<u64, Own>);

#[derive(Debug)]
struct Own {
    operation: Operation,
    /// The result, after the end.
    result: Option<Map>,
    _counted: Counted,
}

impl OwnOperations {
    /// Whether an operation with this handle runs or is kept.
    pub(in crate::dbus) fn has(&self, handle: &str) -> bool {
        self.0.values().any(|own| own.operation.request().handle.as_deref() == Some(handle))
    }

    pub(in crate::dbus) fn add(&mut self, operation: Operation, counted: Counted) {
        self.0.insert(operation.number(), Own { operation, result: None, _counted: counted });
    }

    /// Keeps the result of an operation.
    pub(in crate::dbus) fn keep(&mut self, operation: &Operation, result: Map) {
        if let Some(own) = self.0.get_mut(&operation.number()) {
            own.result = Some(result);
        }
    }

    /// The result of an operation; `None` if it has not ended.
    pub(in crate::dbus) fn result(&self, operation: &Operation) -> Option<Map> {
        let map = self.0.get(&operation.number())?.result.as_ref()?;
        let copy = |(key, value): (&String, &OwnedVariant)| Some((key.clone(), value.try_clone().ok()?));
        map.iter().map(copy).collect()
    }

    /// Removes the operation and frees its handle.
    pub(in crate::dbus) fn forget(&mut self, operation: &Operation) {
        // First, because a later operation with the same handle has the same object path.
        operation.forget();
        self.0.remove(&operation.number());
    }

    /// Drops the oldest ended operations until at most `most` are left.
    pub(in crate::dbus) fn limit(&mut self, most: usize) {
        let mut ended = self.ended();
        ended.truncate(ended.len().saturating_sub(most));
        ended.iter().for_each(|operation| self.forget(operation));
    }

    /// The running operations.
    pub(in crate::dbus) fn running(&self) -> Vec<Operation> {
        let running = self.0.values().filter(|own| own.result.is_none());
        running.map(|own| own.operation.clone()).collect()
    }

    /// The ended operations.
    pub(in crate::dbus) fn ended(&self) -> Vec<Operation> {
        let ended = self.0.values().filter(|own| own.result.is_some());
        ended.map(|own| own.operation.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::clock::ManualClock;
    use crate::dbus::census::{Census, Item};
    use crate::operations::{Deadline, Kind, Operations, Request, Requester, State};

    fn operations() -> Operations {
        Operations::new(Arc::new(ManualClock::at(Duration::from_secs(1_000)))).0
    }

    fn begin(operations: &Operations, own: &mut OwnOperations, handle: &str) -> Operation {
        let operation = operations.begin(Request {
            kind: Kind::Calculate,
            caller: ":1.7".to_owned(),
            requester: Requester { kind: "unknown".to_owned(), name: String::new() },
            handle: Some(handle.to_owned()),
            credential: None,
            token: None,
            interactive: true,
            own_prompt: false,
            wait_for_token: false,
            deadline: Deadline::after(Duration::from_secs(22), &ManualClock::at(Duration::ZERO)),
        });
        own.add(operation.clone(), Census::default().count(Item::Operation));
        operation
    }

    #[test]
    fn a_handle_is_free_when_its_operation_is_forgotten_and_only_then() {
        let (operations, mut own) = (operations(), OwnOperations::default());
        let first = begin(&operations, &mut own, "a");
        first.end(State::Done);
        assert!(own.has("a") && !own.has("b"));
        own.keep(&first, Map::new());
        assert!(own.has("a"));
        own.forget(&first);
        assert!(!own.has("a"));
        let _second = begin(&operations, &mut own, "a");
        // A late removal of the first operation must not free the handle of the second.
        own.forget(&first);
        assert!(own.has("a"));
    }

    #[test]
    fn the_oldest_results_are_dropped_first_and_running_operations_stay() {
        let (operations, mut own) = (operations(), OwnOperations::default());
        let all: Vec<_> = ["a", "b", "c", "d"].map(|handle| begin(&operations, &mut own, handle)).into();
        for ended in &all[1..] {
            own.keep(ended, Map::new());
        }
        own.limit(2);
        let handles: Vec<_> = ["a", "b", "c", "d"].into_iter().filter(|handle| own.has(handle)).collect();
        assert_eq!(handles, ["a", "c", "d"]);
        assert_eq!((own.running(), own.ended()), (vec![all[0].clone()], all[2..].to_vec()));
        assert!(own.result(&all[0]).is_none() && own.result(&all[3]).is_some());
    }
}
