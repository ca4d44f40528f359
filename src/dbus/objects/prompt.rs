//! `prompt`: `io.github.oathbridge.OathBridge1.Prompt`, the action that a person must take now, for status bars.

use std::collections::HashMap;
use std::sync::{Arc, RwLock};

use zbus::{ObjectPath, Variant, interface};

use super::operation::{path, requester};
use crate::dbus::args::Map;
use crate::dbus::names;
use crate::operations::{Requester, UserAction};
use crate::sync::IgnorePoison;

/// The prompt on the bus.
pub(in crate::dbus) struct PromptObject {
    pub(in crate::dbus) view: Arc<RwLock<View>>,
}

/// The properties: the oldest action, and the number of actions.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::dbus) struct View {
    kind: String,
    operation: ObjectPath<'static>,
    token: ObjectPath<'static>,
    requester: Option<Requester>,
    since: u64,
    deadline: u64,
    count: u32,
}

impl View {
    /// The view of the actions that a person must take, the oldest first.
    pub(in crate::dbus) fn of(actions: &[UserAction]) -> Self {
        let oldest = actions.first();
        let operation = oldest.map(|action| &action.operation);
        let token = oldest.and_then(|action| action.token.as_ref());
        Self {
            kind: oldest.map(|action| action.kind.to_string()).unwrap_or_default(),
            operation: operation.map_or_else(names::none, path),
            token: token.map_or_else(names::none, names::token),
            requester: operation.map(|operation| operation.request().requester.clone()),
            since: oldest.map_or(0, |action| action.since.as_secs()),
            deadline: operation.map_or(0, |operation| operation.ends().as_secs()),
            count: u32::try_from(actions.len()).unwrap_or(u32::MAX),
        }
    }

    /// The properties that differ from those of `before`.
    pub(in crate::dbus) fn changes(&self, before: &Self) -> HashMap<&'static str, Variant<'_>> {
        let mut changes = HashMap::new();
        let mut add = |name, differs: bool, value: Variant<'static>| {
            if differs {
                changes.insert(name, value);
            }
        };
        add("Kind", self.kind != before.kind, self.kind.clone().into());
        add("Operation", self.operation != before.operation, self.operation.clone().into());
        add("Token", self.token != before.token, self.token.clone().into());
        add("Requester", self.requester != before.requester, self.requester_map().into());
        add("Since", self.since != before.since, self.since.into());
        add("Deadline", self.deadline != before.deadline, self.deadline.into());
        add("Count", self.count != before.count, self.count.into());
        changes
    }

    fn requester_map(&self) -> Map {
        self.requester.as_ref().map(requester).unwrap_or_default()
    }
}

impl PromptObject {
    fn view(&self) -> View {
        self.view.read().ignore_poison().clone()
    }
}

#[interface(name = "io.github.oathbridge.OathBridge1.Prompt", introspection_docs = false)]
impl PromptObject {
    #[zbus(property)]
    fn kind(&self) -> String {
        self.view().kind
    }

    #[zbus(property)]
    fn operation(&self) -> ObjectPath<'static> {
        self.view().operation
    }

    #[zbus(property)]
    fn token(&self) -> ObjectPath<'static> {
        self.view().token
    }

    #[zbus(property)]
    fn requester(&self) -> Map {
        self.view().requester_map()
    }

    #[zbus(property)]
    fn since(&self) -> u64 {
        self.view().since
    }

    #[zbus(property)]
    fn deadline(&self) -> u64 {
        self.view().deadline
    }

    #[zbus(property)]
    fn count(&self) -> u32 {
        self.view().count
    }
}
