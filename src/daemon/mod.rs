//! The daemon: assembled bottom-up, run until told to stop.

mod prompts;
mod session;

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use sd_notify::NotifyState;
use tokio::signal::unix::{Signal, SignalKind, signal};
use zbus::address::Address;
use zbus::{Connection, fdo};

use crate::clock::Clock;
use crate::config::Loaded;
use crate::dbus::{Bridge, names};
use crate::desktop::notifications::Notifier;
use crate::device::Transport;
use crate::flows::Flows;
use crate::guard::Unavailable;
use crate::operations::Operations;
use crate::registry::Registry;
use crate::token::Identities;

/// The signal of a write beyond the file size limit, signal(7).
const SIGXFSZ: i32 = 25;

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

/// Runs the daemon until `stop` is ready, or the bus or the name is lost.
///
/// # Errors
///
/// Any [`Error`]. Losing the bus is one, so that systemd starts the daemon again.
pub async fn run(parts: Parts, stop: impl Future<Output = ()>) -> Result<(), Error> {
    // A file size limit shall be an error of the write, not the end of the daemon.
    let _file_too_large = signal(SignalKind::from_raw(SIGXFSZ))?;
    // From the first moment on: an early reload must not end the daemon.
    let hangup = signal(SignalKind::hangup())?;
    let identities = Identities::new(parts.state_directory.clone());
    let transports = parts.transports.clone();
    let (registry, watch) = Registry::new(parts.transports, Arc::clone(&parts.clock), identities);
    let (operations, news) = Operations::new(Arc::clone(&parts.clock));
    let flows = Flows::new(registry, parts.state_directory, parts.clock)?;
    let bridge = Bridge::new(flows.clone(), operations.clone(), parts.config, parts.config_path);
    let connection = bridge.serve(parts.bus, news).await?;
    tokio::spawn(session::run(Arc::clone(&bridge), operations.clone(), flows.clone()));
    let notifier = Notifier::new(connection.clone());
    // Not before the name is ours: a second daemon shall leave the tokens alone.
    watch.start()?;
    bridge.check_record();
    tell_systemd(&[NotifyState::Ready]);
    tracing::info!("serving {}", names::BUS);
    let result = tokio::select! {
        () = stop => Ok(()),
        lost = lost(&connection) => Err(lost),
        () = reload_on_hangup(&bridge, hangup) => Ok(()),
        () = feed_watchdog() => Ok(()),
        () = prompts::run(&notifier, bridge.configurations(), operations, flows) => Ok(()),
    };
    tell_systemd(&[NotifyState::Stopping]);
    tracing::info!("ending");
    // A smart card service that hangs must not keep the daemon.
    let stopping =
        tokio::task::spawn_blocking(move || transports.iter().for_each(|transport| transport.stop()));
    // Nor may a notification outlive it: nobody would take it away.
    let farewell = async { tokio::join!(notifier.end(), stopping) };
    let _ = tokio::time::timeout(FAREWELL, farewell).await;
    result
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

async fn reload_on_hangup(bridge: &Bridge, mut hangup: Signal) {
    while hangup.recv().await.is_some() {
        match bridge.reload().await {
            Ok(()) => tracing::info!("the configuration was read again"),
            Err(error) => tracing::error!("{}", error.sentence()),
        }
    }
}

async fn feed_watchdog() {
    let Some(period) = sd_notify::watchdog_enabled() else {
        return std::future::pending().await;
    };
    let mut ticks = tokio::time::interval((period / 2).max(Duration::from_secs(1)));
    loop {
        ticks.tick().await;
        tell_systemd(&[NotifyState::Watchdog]);
    }
}

fn tell_systemd(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::debug!("systemd was not told: {error}");
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
