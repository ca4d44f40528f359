//! The data that all objects share.

use std::fmt;
use std::sync::{Arc, Mutex, OnceLock};

use tokio::sync::watch;
use zbus::Connection;

use super::args::{explain, is_wrong_clock};
use super::client::Client;
use super::clients::Clients;
use super::error::Error;
use super::methods::MethodPolicy;
use super::published::{Published, Summary};
use super::session::{ScreenLock, Session};
use super::settings::{self, Settings};
use crate::access::{Caller, Limits};
use crate::config::{Config, Files, Loaded};
use crate::flows::{self, Flows};
use crate::logging::events;
use crate::operations::{Cancellation, Operation, Operations};
use crate::sync::IgnorePoison;

/// The word of the D-Bus contract for a single-use record that is not usable.
const UNUSABLE_STATE: &str = "state-unusable";

/// The data that all objects share.
#[derive(Debug)]
pub struct Bridge {
    pub(super) flows: Flows,
    pub(super) operations: Operations,
    pub(super) clients: Clients,
    pub(super) settings: Settings,
    pub(super) published: Published,
    session: Session,
    /// The connection, once it exists.
    connection: OnceLock<Connection>,
    opener: Mutex<Option<Opener>>,
}

/// Opens the transports of tokens, for the first valid configuration.
pub struct Opener(pub Box<dyn FnOnce(&Config) + Send>);

impl fmt::Debug for Opener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opener").finish_non_exhaustive()
    }
}

impl Bridge {
    /// Shares the flows, the operations and the configuration among the objects. Reads the configuration, so it may block.
    /// An error in a file is logged, and refuses calls until it is corrected.
    pub fn new(flows: Flows, operations: Operations, files: Files) -> Arc<Self> {
        let clock = flows.clock();
        let settings = Settings::new(files);
        let config = settings.now();
        settings.set_problem(UNUSABLE_STATE, !flows.was_record_usable());
        flows.registry().configure(&config.config.hid);
        let limits = Limits::new(config.config.limits, Arc::clone(clock));
        let clients = Clients::new(limits, Arc::clone(clock));
        Arc::new(Self {
            flows,
            operations,
            clients,
            settings,
            published: Published::default(),
            session: Session::default(),
            connection: OnceLock::new(),
            opener: Mutex::default(),
        })
    }

    /// Opens the transports of tokens as soon as there is a valid configuration.
    pub fn open_with(&self, opener: Opener) {
        *self.opener.lock().ignore_poison() = Some(opener);
        self.open();
    }

    fn open(&self) {
        if self.settings.refusal().is_some() {
            return;
        }
        let opener = self.opener.lock().ignore_poison().take();
        if let Some(Opener(open)) = opener {
            tracing::debug!("opening the transports");
            open(&self.settings.now().config);
        }
    }

    /// Stores the connection.
    pub(super) fn connect(&self, connection: Connection) {
        // There is one connection to the bus, so this is called once.
        let _ = self.connection.set(connection);
    }

    /// The daemon's summary, now and after each change.
    pub fn summaries(&self) -> watch::Receiver<Summary> {
        self.published.summaries()
    }

    /// Replaces the lock of the screen, and returns the earlier one.
    pub fn set_screen(&self, lock: ScreenLock) -> ScreenLock {
        self.session.set_screen(lock)
    }

    /// The lock of the screen, now and after each change.
    pub fn screen(&self) -> watch::Receiver<ScreenLock> {
        self.session.screen()
    }

    /// From now on the lock of the screen is what logind told, and no assumption.
    pub fn trust_screen(&self) {
        self.session.trust_screen();
    }

    /// The lock of the screen, if logind has told it, or if it is an error that logind has not.
    pub(super) fn known_screen(&self) -> Option<ScreenLock> {
        self.session.known_screen()
    }

    /// Sets whether the computer is going to sleep.
    pub fn fall_asleep(&self, is_asleep: bool) {
        self.session.fall_asleep(is_asleep);
    }

    /// Drops the results that are kept for a handle.
    pub fn drop_results(&self) {
        self.clients.drop_results();
    }

    /// The current configuration, now and after each reload.
    pub fn configurations(&self) -> watch::Receiver<Arc<Loaded>> {
        self.settings.subscribe()
    }

    /// Reloads the configuration, as a whole or not at all, and the tokens' lists. Checks the state folder, too.
    ///
    /// # Errors
    ///
    /// `Config`, with file and line; the previous configuration stays in use.
    pub async fn reload(&self) -> Result<(), Error> {
        let flows = self.flows.clone();
        if let Ok(is_usable) = tokio::task::spawn_blocking(move || flows.is_record_usable()).await {
            self.settings.set_problem(UNUSABLE_STATE, !is_usable);
        }
        let loaded = self.settings.reload().await.inspect_err(settings::log_refusal)?;
        self.apply(&loaded);
        self.flows.registry().refresh().await;
        self.caught_up().await;
        Ok(())
    }

    /// Reads a broken configuration again if its files have changed.
    pub(super) async fn mend(&self) {
        match self.settings.mend(&**self.flows.clock()).await {
            None => {}
            Some(Err(error)) => settings::log_refusal(&error),
            Some(Ok(loaded)) => {
                tracing::info!("the corrected configuration was read");
                self.apply(&loaded);
                let registry = self.flows.registry().clone();
                tokio::spawn(async move { registry.refresh_tokens().await });
            }
        }
    }

    fn apply(&self, loaded: &Loaded) {
        self.clients.limits.set(loaded.config.limits);
        self.flows.registry().configure(&loaded.config.hid);
        self.open();
    }

    /// The outcome of a submission. A wrong clock has its own error, and is recorded as a problem.
    pub(super) fn judged<T>(
        &self,
        result: Result<T, flows::Error>,
        operation: &Operation,
    ) -> Result<T, Error> {
        let details = operation.details();
        let skew = details.clock_skew;
        if let Some(skew) = skew {
            let has_changed = self.settings.set_problem("clock-skew", is_wrong_clock(skew));
            if has_changed && is_wrong_clock(skew) {
                tracing::warn!(
                    name: events::CLOCK_WRONG,
                    "Cognito's clock minus this computer's is {} s; set the clock of this computer",
                    skew.round()
                );
            }
        }
        match result {
            Err(flows::Error::StateUnavailable(_)) => self.settings.set_problem(UNUSABLE_STATE, true),
            // A code is sent only after its step was recorded.
            Ok(_) if details.attempts > 0 => self.settings.set_problem(UNUSABLE_STATE, false),
            _ => false,
        };
        result.map_err(|error| explain(error, skew))
    }

    /// The connection, once it exists.
    pub(super) fn connection(&self) -> Option<&Connection> {
        self.connection.get()
    }

    /// Waits until the object tree is up to date, so that a reply follows the signals that it implies.
    pub(super) async fn caught_up(&self) {
        let change = self.settings.change();
        let version = self.flows.registry().caught_up().await.version;
        self.published.has_shown(version, change).await;
    }

    /// The reason why this method is blocked now, and the error of a call, if it is.
    pub(super) fn blocked_by(&self, method: &MethodPolicy) -> Option<(Cancellation, Error)> {
        self.session.blocked_by(method, &self.settings.now().config.access)
    }

    /// Identifies a client at its first message, so that all its messages soon count for its program.
    pub(super) fn notice(self: &Arc<Self>, client: &Arc<Client>) {
        if !client.is_new() {
            return;
        }
        let (bridge, client) = (Arc::clone(self), Arc::clone(client));
        tokio::spawn(async move {
            let identifying = async {
                // An error means that the semaphore is closed, which does not happen.
                let _turn = bridge.clients.newcomers.acquire().await;
                let program = bridge.identify(&client).await.program();
                bridge.clients.know(&client, &program);
            };
            client.left().run_until_cancelled(identifying).await;
            bridge.clients.identified.notify_one();
        });
    }

    /// The program of a client.
    pub(super) async fn identify(&self, client: &Client) -> Arc<Caller> {
        match self.connection.get() {
            Some(connection) => self.clients.identify(connection, client).await,
            // There are no calls before there is a connection.
            None => Arc::new(Caller { is_ours: false, facts: None }),
        }
    }
}
