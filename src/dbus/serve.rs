//! Serves the objects on the bus.

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

/// The served objects, before the daemon owns the bus name.
#[derive(Debug)]
pub struct Service {
    /// The bus.
    pub connection: Connection,
    /// The tasks to run.
    pub tasks: Vec<Task>,
    /// Answered when departures of clients are noticed.
    listening: oneshot::Receiver<()>,
}

impl Service {
    /// Requests the bus name without replacement and without queueing. The tasks must be running.
    ///
    /// # Errors
    ///
    /// [`zbus::Error::NameTaken`] if another process owns the name; other errors if the bus is lost.
    pub async fn take_name(self) -> zbus::Result<Connection> {
        // A client whose departure is missed would never be removed.
        let deaf = |_| zbus::Error::Failure("the bus does not report departures".to_owned());
        self.listening.await.map_err(deaf)?;
        // `Connection::request_name` first subscribes to two signals, which no part of the daemon uses: nothing replaces
        // the owner of this name.
        let bus = fdo::DBusProxy::new(&self.connection).await?;
        let name = names::BUS.try_into()?;
        match bus.request_name(name, fdo::RequestNameFlags::DO_NOT_QUEUE).await? {
            fdo::RequestNameReply::PrimaryOwner | fdo::RequestNameReply::AlreadyOwner => Ok(self.connection),
            fdo::RequestNameReply::InQueue | fdo::RequestNameReply::Exists => Err(zbus::Error::NameTaken),
        }
    }
}

impl Bridge {
    /// Serves the objects. The returned tasks must run.
    ///
    /// `news` is the receiver of the operations' events.
    ///
    /// # Errors
    ///
    /// The bus is not reachable.
    pub async fn serve(
        self: &Arc<Self>,
        bus: Address,
        news: mpsc::UnboundedReceiver<operations::Event>,
    ) -> zbus::Result<Service> {
        self.clients.questions.set_bus(bus.clone());
        let (builder, diverted) = inbound::connect(bus, self)?;
        let prompt = PromptObject { view: Arc::new(RwLock::new(PromptView::of(&[]))) };
        let connection = builder
            .serve_at(names::ROOT, fdo::ObjectManager)
            .serve_at(names::ROOT, ManagerObject { bridge: Arc::clone(self) })
            .serve_at(names::ROOT, CognitoObject { bridge: Arc::clone(self) })
            .serve_at(names::PROMPT, prompt)
            .build()
            .await?;
        // Before the first call.
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

/// Runs until the bus is lost.
async fn departures(connection: Connection, bridge: Arc<Bridge>, listening: oneshot::Sender<()>) {
    if let Err(error) = clients::watch(&connection, &bridge.clients, listening).await {
        tracing::error!("cannot notice programs that leave the bus: {error}");
    }
}
