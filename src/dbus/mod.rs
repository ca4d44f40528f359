//! Our D-Bus interfaces, one a file, and the task that keeps the object tree true.
//!
//! Objects hold shared state with interior locking: a method with `&mut self` would stall every reader of the
//! object for as long as it runs.

mod absent;
mod call;
mod callers;
mod challenge;
mod client_secret;
mod cognito;
mod credential;
mod descriptor;
mod entry;
mod error;
mod liveness;
mod manager;
mod mirror;
pub mod names;
mod operation;
mod options;
mod profile;
mod profiles;
mod prompt;
mod results;
mod stage;
mod submission;
mod token;
mod wire;

use std::collections::BTreeSet;
use std::future::Future;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock, RwLock};

use tokio::sync::{mpsc, oneshot, watch};
use zbus::address::Address;
use zbus::message::Header;
use zbus::{Connection, OwnedVariant, fdo};

use crate::access::{Callers, Limits};
use crate::config::{Config, Loaded};
use crate::flows::{self, Flows};
use crate::operations::{self, Operation, Operations};
use crate::task::Task;
use callers::Present;
use cognito::CognitoObject;
use descriptor::Readers;
use entry::{Door, show};
use manager::ManagerObject;
use prompt::PromptObject;
use results::Results;
use wire::{Paths, Replies};

pub use error::Error;

/// What all objects share.
#[derive(Debug)]
pub struct Bridge {
    flows: Flows,
    operations: Operations,
    /// How operations ended.
    results: Results,
    /// Which paths have objects.
    paths: Paths,
    replies: Arc<Replies>,
    callers: Callers,
    limits: Limits,
    /// What callers' descriptors are read with.
    readers: Readers,
    present: Present,
    screen_locked: watch::Sender<bool>,
    asleep: watch::Sender<bool>,
    /// The bus, once it is reached.
    connection: OnceLock<Connection>,
    config: watch::Sender<Arc<Loaded>>,
    /// `--config`, for [`Bridge::reload`].
    config_path: Option<PathBuf>,
    /// Problems that the registry doesn't know of, by their words.
    problems: watch::Sender<BTreeSet<&'static str>>,
    /// Counts changes of the configuration and of those problems.
    changes: watch::Sender<u64>,
    /// The newest snapshot, and the newest change, that the object tree shows.
    shown: watch::Sender<(u64, u64)>,
    summary: watch::Sender<Summary>,
}

/// What the daemon says of itself, as it was announced last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Everything present has been read.
    pub settled: bool,
    /// The words of `Manager.Problems`.
    pub problems: Vec<String>,
    /// How many tokens have an object.
    pub tokens: usize,
    /// How many of them are locked.
    pub locked: usize,
}

/// The objects are served, and nobody finds them: the name is not taken yet.
#[derive(Debug)]
pub struct Service {
    /// The bus.
    pub connection: Connection,
    /// What has to run from now on.
    pub tasks: Vec<Task>,
    /// Answered when callers that leave are noticed.
    listening: oneshot::Receiver<()>,
}

impl Service {
    /// Takes the bus name, without replacement, and without waiting in a queue for it. The tasks have to run.
    ///
    /// # Errors
    ///
    /// [`zbus::Error::NameTaken`] when another process owns the name; any other when the bus is gone.
    pub async fn take_name(self) -> zbus::Result<Connection> {
        // A caller that nobody sees leave would be known for ever.
        let deaf = |_| zbus::Error::Failure("it doesn't say which programs leave".to_owned());
        self.listening.await.map_err(deaf)?;
        self.connection.request_name_with_flags(names::BUS, fdo::RequestNameFlags::DO_NOT_QUEUE).await?;
        Ok(self.connection)
    }
}

impl Bridge {
    /// Shares the flows, the operations and the configuration among the objects to come.
    pub fn new(
        flows: Flows,
        operations: Operations,
        config: Loaded,
        config_path: Option<PathBuf>,
    ) -> Arc<Self> {
        let limits = Limits::new(config.config.limits, Arc::clone(flows.clock()));
        Arc::new(Self {
            flows,
            operations,
            results: Results::default(),
            paths: Paths::default(),
            replies: Arc::default(),
            callers: Callers::default(),
            limits,
            readers: Readers::default(),
            present: Present::default(),
            screen_locked: watch::Sender::new(false),
            asleep: watch::Sender::new(false),
            connection: OnceLock::new(),
            config: watch::Sender::new(Arc::new(config)),
            config_path,
            problems: watch::Sender::default(),
            changes: watch::Sender::new(0),
            shown: watch::Sender::new((0, 0)),
            summary: watch::Sender::default(),
        })
    }

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
        let (builder, diverted, queries) = wire::connect(bus, &self.paths, &self.limits, &self.replies)?;
        let prompt = PromptObject { view: Arc::new(RwLock::new(prompt::View::of(&[]))) };
        let connection = builder
            .serve_at(names::ROOT, fdo::ObjectManager)
            .serve_at(names::ROOT, ManagerObject { bridge: Arc::clone(self) })
            .serve_at(names::ROOT, CognitoObject { bridge: Arc::clone(self) })
            .serve_at(names::PROMPT, prompt)
            .build()
            .await?;
        // Before anybody can call.
        let _ = self.connection.set(connection.clone());
        let (is_listening, listening) = oneshot::channel();
        let (bus, bridge) = (|| connection.clone(), || Arc::clone(self));
        let tasks = vec![
            Task::new("object tree", mirror::run(bus(), bridge())),
            Task::new("operations", stage::run(bus(), bridge(), news)),
            Task::new("absent credentials", absent::run(bus(), bridge(), diverted)),
            Task::new("departures", callers::run(bus(), bridge(), queries, is_listening)),
        ];
        Ok(Service { connection, tasks, listening })
    }

    /// What the daemon says of itself, now and after each change.
    pub fn summaries(&self) -> watch::Receiver<Summary> {
        self.summary.subscribe()
    }

    /// Writes into the journal if the single-use record can't be used, before somebody needs it.
    pub fn check_record(&self) {
        let flows = self.flows.clone();
        tokio::task::spawn_blocking(move || flows.check_record());
    }

    /// The screen was locked, or unlocked: decides whether codes are handed out.
    pub fn lock_screen(&self, is_locked: bool) {
        self.screen_locked.send_replace(is_locked);
    }

    /// The computer falls asleep, or is awake again: decides whether anything may begin.
    pub fn fall_asleep(&self, is_asleep: bool) {
        self.asleep.send_replace(is_asleep);
    }

    /// The configuration in force, now and after each reload.
    pub fn configurations(&self) -> watch::Receiver<Arc<Loaded>> {
        self.config.subscribe()
    }

    /// Reads the configuration again, whole or not at all, and the tokens' lists.
    ///
    /// # Errors
    ///
    /// `Config`, with file and line; the configuration in force stays.
    pub async fn reload(&self) -> Result<(), Error> {
        let path = self.config_path.clone();
        let loading = tokio::task::spawn_blocking(move || Config::load(path.as_deref()));
        match loading.await.map_err(|_| Error::internal())? {
            Ok(loaded) => {
                self.limits.set(loaded.config.limits);
                self.config.send_replace(Arc::new(loaded));
                self.changes.send_modify(|changes| *changes += 1);
                self.set_problem("config-invalid", false);
            }
            Err(error) => {
                self.set_problem("config-invalid", true);
                return Err(Error::config(error));
            }
        }
        self.flows.registry().refresh().await;
        self.mirrored().await;
        Ok(())
    }

    fn config(&self) -> Arc<Loaded> {
        Arc::clone(&self.config.borrow())
    }

    fn set_problem(&self, word: &'static str, exists: bool) {
        let changed = self.problems.send_if_modified(|problems| match exists {
            true => problems.insert(word),
            false => problems.remove(word),
        });
        if changed {
            self.changes.send_modify(|changes| *changes += 1);
        }
    }

    /// What became of a submission: a wrong clock is told as such, and remembered as a problem.
    fn judged<T>(&self, result: Result<T, flows::Error>, operation: &Operation) -> Result<T, Error> {
        let skew = operation.facts().clock_skew;
        if let Some(skew) = skew {
            self.set_problem("clock-skew", skew.abs() >= submission::SKEW);
        }
        result.map_err(|error| submission::explain(error, skew))
    }

    /// Waits until the object tree shows what is known now, so that a reply follows the signals it implies.
    async fn mirrored(&self) {
        let change = *self.changes.borrow();
        let version = self.flows.registry().caught_up().await.version;
        let is_shown = |shown: &(u64, u64)| shown.0 >= version && shown.1 >= change;
        // An error means that the daemon is ending.
        let _ = self.shown.subscribe().wait_for(is_shown).await;
    }

    /// Does what a caller asked for, replies after the signals that it implies, and leaves a line in the journal:
    /// who, what, how it ended; never a secret.
    async fn audited<T, E: Into<Error>>(
        &self,
        what: &str,
        object: &str,
        header: &Header<'_>,
        door: Door,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Error> {
        let entry = self.enter(header, door).await?;
        self.spend(&entry)?;
        let result = work.await.map_err(Into::into);
        self.mirrored().await;
        let outcome = result.as_ref().err().map_or_else(|| "done".to_owned(), Error::full_name);
        let (caller, requester) = (&entry.caller, show(&entry.requester));
        tracing::info!(caller, requester, object, outcome, "{what}");
        result
    }
}

fn variant(text: &str) -> OwnedVariant {
    zbus::Str::from(text).into()
}
