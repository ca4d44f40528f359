//! The daemon: assembled bottom-up, and run until it is stopped.

mod prompts;
mod reload;
mod remembered;
mod session;
mod status;
mod supervisor;
mod systemd;
#[cfg(test)]
mod tests;
mod watchdog;

use std::future::Future;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use sd_notify::NotifyState;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use zbus::address::Address;
use zbus::{Connection, fdo};

use crate::clock::Clock;
use crate::config::{Config, Files};
use crate::dbus::{Bridge, Opener, names};
use crate::desktop::notifications::{self, Notifier};
use crate::device::Transport;
use crate::flows::{Flows, Memory};
use crate::guard::{Folders, Unavailable};
use crate::keyring::Keyring;
use crate::operations::Operations;
use crate::registry::Registry;
use crate::task::Task;
use crate::token::Identities;
use session::Session;
use supervisor::Supervisor;

pub use supervisor::End;

/// The signal of a write beyond the file size limit, signal(7).
const SIGXFSZ: i32 = 25;

/// The name of the task that owns the notifier. The notification is removed when this task ends.
const PROMPTS: &str = "prompts";

/// The environment variable with the folder of the systemd credentials.
const CREDENTIALS: &str = "CREDENTIALS_DIRECTORY";

/// The usual timeout for an answer of logind. A call that starts the daemon waits for its first answer.
pub const LOGIND_TIMEOUT: Duration = Duration::from_secs(3);

/// The timeout for the cleanup at the end of the daemon.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(1);

/// The parts of the daemon.
pub struct Parts {
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Makes the transports of tokens for the first valid configuration.
    pub transports: Transports,
    /// The folder of the single-use record and the known tokens.
    pub state_directory: PathBuf,
    /// The folder of the second copy of the single-use record and of requests to lock; without it neither is kept.
    pub runtime_directory: Option<PathBuf>,
    /// The files of the configuration.
    pub config: Files,
    /// The address of the bus.
    pub bus: Address,
    /// The timeout for an answer of logind or of the system bus; [`LOGIND_TIMEOUT`] unless a test waits longer.
    pub logind_timeout: Duration,
}

/// Makes the transports of tokens for a configuration.
pub type Transports = Box<dyn FnOnce(&Config) -> Vec<Arc<dyn Transport>> + Send>;

/// Runs the daemon until `stop` is ready, or the bus or the name is lost, or an essential task ends.
///
/// # Errors
///
/// Any [`Error`]. After an error that is not one of the start, systemd restarts the daemon.
pub async fn run(parts: Parts, stop: impl Future<Output = ()>) -> Result<(), Error> {
    // Makes a file size limit an error of the write instead of ending the daemon.
    let _file_too_large = signal(SignalKind::from_raw(SIGXFSZ))?;
    let mut stop = pin!(stop);
    let mut connection = None;
    let started = tokio::select! {
        () = &mut stop => None,
        daemon = Daemon::start(parts, &mut connection) => Some(daemon?),
    };
    let Some(mut daemon) = started else {
        close(connection).await;
        return Ok(());
    };
    let result = tokio::select! {
        () = stop => Ok(()),
        error = daemon.failure() => Err(error),
    };
    daemon.end().await;
    result
}

/// A running daemon.
struct Daemon {
    connection: Connection,
    registry: Registry,
    tasks: Supervisor,
    /// The tasks of transports that were opened.
    opened: Opened,
}

/// A receiver of the tasks of transports, or of the reason why they cannot be opened.
type Opened = mpsc::UnboundedReceiver<std::io::Result<Vec<Task>>>;

impl Daemon {
    /// Starts the daemon. `connection` is set as soon as there is one, for a caller that drops this future.
    async fn start(parts: Parts, connection: &mut Option<Connection>) -> Result<Self, Error> {
        // Registered first, because without a handler an early SIGHUP would end the daemon.
        let hangup = signal(SignalKind::hangup())?;
        let clock = Arc::clone(&parts.clock);
        let identities = Identities::new(parts.state_directory.clone());
        let (registry, watch) = Registry::waiting(Arc::clone(&clock), identities);
        let (operations, news) = Operations::new(Arc::clone(&clock));
        let folders = Folders { state: parts.state_directory, runtime: parts.runtime_directory.clone() };
        let flows = flows(registry.clone(), folders, Arc::clone(&clock)).await?;
        let credentials = std::env::var_os(CREDENTIALS).map(PathBuf::from).filter(|path| path.is_absolute());
        let flows = flows.with_memory(Memory { keyring: Keyring::new(parts.bus.clone()), credentials });
        let bridge = Bridge::new(flows.clone(), operations.clone(), parts.config);
        let mut tasks = Supervisor::default();
        let mut service = bridge.serve(parts.bus, news).await?;
        *connection = Some(service.connection.clone());
        tasks.spawn_all(service.tasks.drain(..));
        let (watched, running) = (Arc::clone(&bridge), operations.clone());
        // A call that starts the daemon arrives with the name, and the screen may be locked.
        let (folder, timeout) = (parts.runtime_directory, parts.logind_timeout);
        let session = Session::begin(watched, running, flows.clone(), folder, timeout).await;
        let connection = service.take_name().await?;
        tasks.spawn(Task::new("session", session.run()));
        tasks.spawn(Task::new("remembered", remembered::run(flows.clone(), bridge.screen())));
        let (notifier, notifications) = Notifier::new(connection.clone());
        tasks.spawn(notifications);
        let prompts = prompts::run(notifier, bridge.configurations(), operations, flows);
        tasks.spawn(Task::new(PROMPTS, prompts));
        tasks.spawn(Task::new("reload", reload::run(Arc::clone(&bridge), hangup)));
        tasks.spawn(Task::new("status", status::run(bridge.summaries(), bridge.screen())));
        tasks.spawn_all(watch.start()?);
        // Only after the daemon owns the name: a second daemon must not use the tokens.
        let (opener, mut opened) = opener(registry.clone(), parts.transports);
        bridge.open_with(opener);
        if let Ok(first) = opened.try_recv() {
            tasks.spawn_all(first?);
        }
        systemd::notify(&[NotifyState::Ready]);
        tasks.spawn(Task::new("watchdog", watchdog(clock, bridge)));
        tracing::info!("serving {}", names::BUS);
        Ok(Self { connection, registry, tasks, opened })
    }

    /// Waits for an error that ends the daemon.
    async fn failure(&mut self) -> Error {
        let mut lost = pin!(lost(&self.connection));
        loop {
            tokio::select! {
                // Tasks that use the bus end with it; the reported error is then the loss of the bus.
                biased;
                error = &mut lost => return error,
                (task, end) = self.tasks.next_end() => return match self.connection.is_closed() {
                    true => Error::BusLost,
                    false => Error::TaskEnded { task, end },
                },
                Some(opened) = self.opened.recv() => match opened {
                    Ok(tasks) => self.tasks.spawn_all(tasks),
                    Err(error) => return error.into(),
                },
            }
        }
    }

    /// Stops the transports and removes the notification.
    async fn end(mut self) {
        systemd::notify(&[NotifyState::Stopping]);
        tracing::info!("ending");
        // A smart card service that hangs must not block the end of the daemon.
        let registry = self.registry.clone();
        let stopping = tokio::task::spawn_blocking(move || {
            registry.transports().iter().for_each(|transport| transport.stop());
        });
        // Otherwise the notification would stay after the end of the daemon.
        self.tasks.abort(PROMPTS);
        let cleanup = async { tokio::join!(self.tasks.end_of(notifications::TASK), stopping) };
        let _ = tokio::time::timeout(SHUTDOWN_TIMEOUT, cleanup).await;
        close(Some(self.connection)).await;
    }
}

/// Closes the connection to the bus, which its objects refer to. In a test the process continues and would keep the name.
async fn close(connection: Option<Connection>) {
    if let Some(connection) = connection {
        // An error means that the bus is lost.
        let _ = connection.close().await;
    }
}

/// The opener of the transports, and the receiver of their tasks.
fn opener(registry: Registry, transports: Transports) -> (Opener, Opened) {
    let (sender, opened) = mpsc::unbounded_channel();
    let open = move |config: &Config| {
        // An error means that the daemon is ending.
        let _ = sender.send(registry.open(transports(config), &config.hid));
    };
    (Opener(Box::new(open)), opened)
}

/// The flows; their record is read on another thread.
async fn flows(registry: Registry, folders: Folders, clock: Arc<dyn Clock>) -> Result<Flows, Error> {
    let flows = tokio::task::spawn_blocking(move || Flows::new(registry, folders, clock));
    Ok(flows.await.map_err(std::io::Error::other)??)
}

/// Feeds the watchdog of the service manager, if there is one.
async fn watchdog(clock: Arc<dyn Clock>, bridge: Arc<Bridge>) {
    let feed = || systemd::notify(&[NotifyState::Watchdog]);
    watchdog::run(clock, sd_notify::watchdog_enabled(), || bridge.round(), feed).await;
}

/// Completes at SIGTERM or SIGINT.
///
/// # Errors
///
/// The system refuses a signal handler.
pub fn terminated() -> std::io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

async fn lost(connection: &Connection) -> Error {
    let name_lost = async {
        let bus = fdo::DBusProxy::new(connection).await.ok()?;
        let mut losses = bus.receive_name_lost().await.ok()?;
        loop {
            let loss = losses.next().await?;
            if loss.args().is_ok_and(|lost| lost.name == names::BUS) {
                return Some(());
            }
        }
    };
    tokio::select! {
        Some(()) = name_lost => Error::NameLost,
        () = connection.closed() => Error::BusLost,
    }
}

/// The error that ended the daemon.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process owns the bus name.
    #[error("another daemon is already running; stop it with `systemctl --user stop oathbridge`")]
    NameTaken,
    /// The daemon lost the bus name.
    #[error("the daemon lost the bus name {}; start the daemon again", names::BUS)]
    NameLost,
    /// The connection to the bus is lost.
    #[error("the connection to the session bus is lost; start the daemon again in a desktop session")]
    BusLost,
    /// An essential task has ended.
    #[error("the daemon's task \"{task}\" {end}; start the daemon again, and report this with the journal")]
    TaskEnded {
        /// The name of the task.
        task: String,
        /// The end of the task.
        end: End,
    },
    /// The bus is not reachable.
    #[error("the session bus is not reachable ({0}); start the daemon in a desktop session")]
    NoBus(zbus::Error),
    /// The system refused a resource.
    #[error(
        "the system refused a resource that the daemon needs ({0}); free some resources and start it again"
    )]
    System(#[from] std::io::Error),
    /// The system provides no random numbers.
    #[error("{0}; check the system and start the daemon again")]
    NoRandomness(#[from] Unavailable),
}

impl From<zbus::Error> for Error {
    fn from(error: zbus::Error) -> Self {
        match error {
            zbus::Error::NameTaken => Self::NameTaken,
            error => Self::NoBus(error),
        }
    }
}
