//! The daemon on a thread of this process.

use std::io::{self, Write};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use oathbridge::clock::{Clock, ManualClock};
use oathbridge::config::{Config, Files};
use oathbridge::daemon::{self, Parts};
use oathbridge::device::Transport;
use oathbridge::logging::{self, Level};
use oathbridge::transport::pcsc::PcscTransport;
use oathbridge::virt::{TokenSpec, VirtualToken, VirtualTransport};
use tokio::sync::oneshot;
use zbus::address::Address;

/// The settings of the daemon, in place of arguments and an environment.
#[derive(Debug)]
pub(super) struct Setup {
    pub(super) clock: Arc<ManualClock>,
    pub(super) tokens: Vec<TokenSpec>,
    pub(super) config: PathBuf,
    pub(super) policy: PathBuf,
    pub(super) state: PathBuf,
    pub(super) runtime: PathBuf,
    pub(super) bus: String,
    pub(super) logind_timeout: Duration,
}

/// A running daemon, stopped on drop.
#[derive(Debug)]
pub(super) struct Inside {
    tokens: Option<Arc<VirtualTransport>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<Result<(), String>>>,
}

impl Inside {
    /// Starts the daemon like `main` of the program, with another clock.
    pub(super) fn start(setup: Setup) -> io::Result<Self> {
        let (stop, stopped) = oneshot::channel();
        let tokens = (!setup.tokens.is_empty()).then(|| Arc::new(VirtualTransport::new(&setup.tokens)));
        let transport = tokens.clone();
        let thread = thread::Builder::new().name("oathbridged".to_owned()).spawn(move || {
            // The log has the details. An error means that there is no standard error.
            run(setup, transport, stopped)
                .inspect_err(|error| drop(writeln!(io::stderr(), "oathbridged: {error}")))
        })?;
        Ok(Self { tokens, stop: Some(stop), thread: Some(thread) })
    }

    pub(super) fn virtual_token(&self, serial: u32) -> Option<VirtualToken> {
        self.tokens.as_ref()?.token(serial)
    }

    pub(super) fn has_ended(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Stops the daemon and waits for its end.
    pub(super) fn end(&mut self) -> io::Result<()> {
        // An error means that the daemon has ended by itself.
        let _ = self.stop.take().map(|stop| stop.send(()));
        let ended = self.thread.take().map_or(Ok(Ok(())), JoinHandle::join);
        ended.map_err(|_| io::Error::other("the daemon panicked"))?.map_err(io::Error::other)
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        // `end` returns the result to callers that need it.
        let _ = self.end();
    }
}

fn run(
    setup: Setup,
    tokens: Option<Arc<VirtualTransport>>,
    stopped: oneshot::Receiver<()>,
) -> Result<(), String> {
    logging::start(Level::from_str("debug").unwrap_or_default());
    let transports = |config: &Config| {
        let mut transports: Vec<Arc<dyn Transport>> = Vec::new();
        if config.pcsc.enabled {
            transports.push(Arc::new(PcscTransport::new(config.pcsc.ignore_readers.clone())));
        }
        transports.extend(tokens.map(|tokens| tokens as Arc<dyn Transport>));
        transports
    };
    let clock: Arc<dyn Clock> = setup.clock;
    let parts = Parts {
        clock,
        transports: Box::new(transports),
        state_directory: setup.state,
        runtime_directory: Some(setup.runtime),
        config: Files::only(setup.config).with_policy(setup.policy, rustix::process::geteuid().as_raw()),
        bus: Address::try_from(setup.bus.as_str()).map_err(|error| error.to_string())?,
        logind_timeout: setup.logind_timeout,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    // An error means that the handle was dropped.
    let result = runtime.block_on(daemon::run(parts, async { drop(stopped.await) }));
    // A thread that hangs in the driver of a token must not block the test.
    runtime.shutdown_background();
    result.map_err(|error| error.to_string())
}
