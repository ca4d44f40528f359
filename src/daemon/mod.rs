//! The daemon: assembled bottom-up, run until told to stop.

mod prompts;
mod reload;
mod session;
mod status;
mod supervisor;
mod systemd;
#[cfg(test)]
mod tests;
mod watchdog;

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use sd_notify::NotifyState;
use tokio::signal::unix::{SignalKind, signal};
use zbus::address::Address;
use zbus::{Connection, fdo};

use crate::clock::Clock;
use crate::config::Loaded;
use crate::dbus::{Bridge, names};
use crate::desktop::notifications::{self, Notifier};
use crate::device::Transport;
use crate::flows::Flows;
use crate::guard::Unavailable;
use crate::operations::Operations;
use crate::registry::Registry;
use crate::task::Task;
use crate::token::Identities;
use supervisor::Supervisor;

pub use supervisor::End;

/// The signal of a write beyond the file size limit, signal(7).
const SIGXFSZ: i32 = 25;

/// The task that has the notifier: notifications go when it ends.
const PROMPTS: &str = "prompts";

/// How long the end may take.
const FAREWELL: Duration = Duration::from_secs(1);

/// What the daemon is made of.
pub struct Parts {
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
    /// Where tokens come from.
    pub transports: Vec<Arc<dyn Transport>>,
    /// Where the single-use record and the known tokens are kept.
    pub state_directory: PathBuf,
    /// The configuration in force.
    pub config: Loaded,
    /// The file to read again on reload, if not the usual one.
    pub config_path: Option<PathBuf>,
    /// Which bus to serve.
    pub bus: Address,
}

/// Runs the daemon until `stop` is ready, or the bus or the name is lost, or an essential task ends.
///
/// # Errors
///
/// Any [`Error`]. All of them but those of the start are for systemd, which starts the daemon again.
pub async fn run(parts: Parts, stop: impl Future<Output = ()>) -> Result<(), Error> {
    // A file size limit shall be an error of the write, not the end of the daemon.
    let _file_too_large = signal(SignalKind::from_raw(SIGXFSZ))?;
    let mut daemon = Daemon::start(parts).await?;
    let result = tokio::select! {
        () = stop => Ok(()),
        error = daemon.failure() => Err(error),
    };
    daemon.end().await;
    result
}

/// A daemon that serves.
struct Daemon {
    connection: Connection,
    transports: Vec<Arc<dyn Transport>>,
    tasks: Supervisor,
}

impl Daemon {
    async fn start(parts: Parts) -> Result<Self, Error> {
        // From the first moment on: an early reload must not end the daemon.
        let hangup = signal(SignalKind::hangup())?;
        let (clock, transports) = (Arc::clone(&parts.clock), parts.transports.clone());
        let identities = Identities::new(parts.state_directory.clone());
        let (registry, watch) = Registry::new(parts.transports, Arc::clone(&clock), identities);
        let (operations, news) = Operations::new(Arc::clone(&clock));
        let flows = Flows::new(registry, parts.state_directory, Arc::clone(&clock))?;
        let bridge = Bridge::new(flows.clone(), operations.clone(), parts.config, parts.config_path);
        let mut tasks = Supervisor::default();
        let mut service = bridge.serve(parts.bus, news).await?;
        tasks.spawn_all(service.tasks.drain(..));
        let connection = service.take_name().await?;
        let session = session::run(Arc::clone(&bridge), operations.clone(), flows.clone());
        tasks.spawn(Task::new("session", session));
        let (notifier, notifications) = Notifier::new(connection.clone());
        tasks.spawn(notifications);
        let prompts = prompts::run(notifier, bridge.configurations(), operations, flows);
        tasks.spawn(Task::new(PROMPTS, prompts));
        tasks.spawn(Task::new("reload", reload::run(Arc::clone(&bridge), hangup)));
        tasks.spawn(Task::new("status", status::run(bridge.summaries())));
        // Not before the name is ours: a second daemon shall leave the tokens alone.
        tasks.spawn_all(watch.start()?);
        bridge.check_record();
        systemd::notify(&[NotifyState::Ready]);
        tasks.spawn(Task::new("watchdog", watchdog(clock, bridge)));
        tracing::info!("serving {}", names::BUS);
        Ok(Self { connection, transports, tasks })
    }

    /// Waits for whatever the daemon can't go on after.
    async fn failure(&mut self) -> Error {
        tokio::select! {
            // The tasks that use the bus end with it, and it is the reason then.
            biased;
            error = lost(&self.connection) => error,
            (task, end) = self.tasks.next_end() => match self.connection.is_closed() {
                true => Error::BusLost,
                false => Error::TaskEnded { task, end },
            },
        }
    }

    /// Lets go what others would have to put up with.
    async fn end(mut self) {
        systemd::notify(&[NotifyState::Stopping]);
        tracing::info!("ending");
        // A smart card service that hangs must not keep the daemon.
        let transports = std::mem::take(&mut self.transports);
        let stopping =
            tokio::task::spawn_blocking(move || transports.iter().for_each(|transport| transport.stop()));
        // Nor may a notification outlive it: nobody would take it away.
        self.tasks.abort(PROMPTS);
        let farewell = async { tokio::join!(self.tasks.end_of(notifications::TASK), stopping) };
        let _ = tokio::time::timeout(FAREWELL, farewell).await;
    }
}

/// Feeds the watchdog that the service manager has set up, if it has.
async fn watchdog(clock: Arc<dyn Clock>, bridge: Arc<Bridge>) {
    let feed = || systemd::notify(&[NotifyState::Watchdog]);
    watchdog::run(clock, sd_notify::watchdog_enabled(), || bridge.round(), feed).await;
}

/// Ends when a polite request to end arrives: SIGTERM or SIGINT.
///
/// # Errors
///
/// When the system refuses a signal handler.
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

/// Why the daemon ended.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process owns the bus name.
    #[error("another process owns the name {}; stop it before starting this one", names::BUS)]
    NameTaken,
    /// The bus name was taken away.
    #[error("the bus took the name {} away; start the daemon again", names::BUS)]
    NameLost,
    /// The bus is gone.
    #[error("the session bus is gone; start the daemon again in a session that has one")]
    BusLost,
    /// A task has ended that all the others need.
    #[error("the daemon's task \"{task}\" {end}; start the daemon again, and report this with the journal")]
    TaskEnded {
        /// What it is called.
        task: String,
        /// How it ended.
        end: End,
    },
    /// There is no bus.
    #[error("the session bus can't be reached ({0}); start the daemon in a session that has one")]
    NoBus(zbus::Error),
    /// The system is out of something.
    #[error("the system refuses what the daemon needs ({0}); free some resources and start it again")]
    System(#[from] std::io::Error),
    /// The system gives no random numbers.
    #[error("{0}; start the daemon again when it does")]
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
