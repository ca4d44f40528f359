//! Serves the objects on a bus.

use std::sync::{Arc, RwLock};

use tokio::sync::{mpsc, oneshot};
use zbus::address::Address;
use zbus::{Connection, fdo};

use super::bridge::Bridge;
use super::objects::{CognitoObject, ManagerObject, PromptObject, PromptView};
use super::publish;
use super::{clients, inbound, missing_credential, names};
use crate::operations;
use crate::task::Task;

/// The objects are served, but the name is not taken yet, so no program finds them.
#[derive(Debug)]
pub struct Service {
    /// The bus.
    pub connection: Connection,
    /// What has to run from now on.
    pub tasks: Vec<Task>,
    /// Answered when clients that leave are noticed.
    listening: oneshot::Receiver<()>,
}

impl Service {
    /// Takes the bus name, without replacement, and without waiting in a queue for it. The tasks have to run.
    ///
    /// # Errors
    ///
    /// [`zbus::Error::NameTaken`] when another process owns the name; any other when the bus is gone.
    pub async fn take_name(self) -> zbus::Result<Connection> {
        // A client whose leaving is missed would be known for ever.
        let deaf = |_| zbus::Error::Failure("it doesn't say which programs leave".to_owned());
        self.listening.await.map_err(deaf)?;
        self.connection.request_name_with_flags(names::BUS, fdo::RequestNameFlags::DO_NOT_QUEUE).await?;
        Ok(self.connection)
    }
}

impl Bridge {
    /// Serves the objects, once the tasks run that come back with it.
    ///
    /// `news` is what becomes of the operations.
    ///
    /// # Errors
    ///
    /// When there is no bus.
    pub async fn serve(
        self: &Arc<Self>,
        bus: Address,
        news: mpsc::UnboundedReceiver<operations::Event>,
    ) -> zbus::Result<Service> {
        let (builder, diverted) = inbound::connect(bus, self)?;
        let prompt = PromptObject { view: Arc::new(RwLock::new(PromptView::of(&[]))) };
        let connection = builder
            .serve_at(names::ROOT, fdo::ObjectManager)
            .serve_at(names::ROOT, ManagerObject { bridge: Arc::clone(self) })
            .serve_at(names::ROOT, CognitoObject { bridge: Arc::clone(self) })
            .serve_at(names::PROMPT, prompt)
            .build()
            .await?;
        // Before anybody can call.
        self.connect(connection.clone());
        let (is_listening, listening) = oneshot::channel();
        let (bus, bridge) = (|| connection.clone(), || Arc::clone(self));
        let tasks = vec![
            Task::new("object tree", publish::tree::run(bus(), bridge())),
            Task::new("operations", publish::operations::run(bus(), bridge(), news)),
            Task::new("absent credentials", missing_credential::run(bus(), bridge(), diverted)),
            Task::new("departures", departures(bus(), bridge(), is_listening)),
        ];
        Ok(Service { connection, tasks, listening })
    }
}

/// Runs until the bus is gone.
async fn departures(connection: Connection, bridge: Arc<Bridge>, listening: oneshot::Sender<()>) {
    if let Err(error) = clients::watch(&connection, &bridge.clients, listening).await {
        tracing::error!("programs that leave the bus can't be noticed: {error}");
    }
}
