//! Publishes the operations in the order of their events, and the prompt.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, RwLock};

use tokio::sync::{mpsc, watch};
use zbus::object_server::SignalEmitter;
use zbus::{Connection, fdo};

use crate::dbus::bridge::Bridge;
use crate::dbus::names;
use crate::dbus::objects::{OperationObject, PromptObject, PromptView as View, operation_path as path};
use crate::operations::{Event, Operation, State, UserAction};
use crate::sync::IgnorePoison;

/// Runs until the bus is lost.
pub(in crate::dbus) async fn run(
    connection: Connection,
    bridge: Arc<Bridge>,
    mut events: mpsc::UnboundedReceiver<Event>,
) {
    let mut actions = bridge.operations.user_actions();
    let mut published = PublishedOperations { connection, bridge, shown: HashMap::new() };
    loop {
        let shown = tokio::select! {
            biased;
            event = events.recv() => match event {
                Some(Event::Barrier(done)) => {
                    let shown = published.prompt(&mut actions).await;
                    // An error means that the receiver was dropped.
                    let _ = done.send(());
                    shown
                }
                Some(event) => published.show(event).await,
                None => return,
            },
            Ok(()) = actions.changed() => published.prompt(&mut actions).await,
        };
        if let Err(error) = shown {
            tracing::error!("cannot publish an operation: {error}");
        }
    }
}

struct PublishedOperations {
    connection: Connection,
    bridge: Arc<Bridge>,
    /// The states that were published last, by number of the operation.
    shown: HashMap<u64, Arc<RwLock<State>>>,
}

impl PublishedOperations {
    async fn show(&mut self, event: Event) -> zbus::Result<()> {
        match event {
            Event::Published(operation, state) => self.add(operation, state).await,
            Event::Changed(operation, state) => self.change(&operation, state).await,
            Event::Found(operation) => {
                let server = self.connection.object_server();
                let interface = server.interface::<_, OperationObject>(path(&operation)).await?;
                interface.get().await.credential_changed(interface.signal_emitter()).await
            }
            Event::Forgotten(operation) => {
                self.shown.remove(&operation.number());
                let server = self.connection.object_server();
                server.remove::<OperationObject, _>(path(&operation)).await.map(drop)
            }
            Event::Barrier(_) => Ok(()),
        }
    }

    async fn add(&mut self, operation: Operation, state: State) -> zbus::Result<()> {
        let shown = Arc::new(RwLock::new(state));
        self.shown.insert(operation.number(), Arc::clone(&shown));
        let path = path(&operation);
        let object = OperationObject { operation, shown, bridge: Arc::clone(&self.bridge) };
        self.connection.object_server().at(path, object).await.map(drop)
    }

    async fn change(&mut self, operation: &Operation, state: State) -> zbus::Result<()> {
        let Some(shown) = self.shown.get(&operation.number()) else { return Ok(()) };
        *shown.write().ignore_poison() = state;
        let interface =
            self.connection.object_server().interface::<_, OperationObject>(path(operation)).await?;
        interface.get().await.state_changed(interface.signal_emitter()).await
    }

    /// Sends one signal for all changed properties, so that status bars see a consistent state.
    async fn prompt(&mut self, actions: &mut watch::Receiver<Arc<Vec<UserAction>>>) -> zbus::Result<()> {
        let view = View::of(&actions.borrow_and_update());
        let interface = self.connection.object_server().interface::<_, PromptObject>(names::PROMPT).await?;
        let before = {
            let object = interface.get().await;
            let mut shown = object.view.write().ignore_poison();
            std::mem::replace(&mut *shown, view.clone())
        };
        let changes = view.changes(&before);
        if changes.is_empty() {
            return Ok(());
        }
        let name = zbus::names::InterfaceName::from_static_str_unchecked(names::PROMPT_INTERFACE);
        fdo::Properties::properties_changed(
            &SignalEmitter::new(&self.connection, names::PROMPT)?,
            name,
            changes,
            Cow::Borrowed(&[]),
        )
        .await
    }
}
