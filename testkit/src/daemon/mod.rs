//! The daemon with a bus, a home and a log, as a separate process or on a thread of this process.

mod inside;
mod process;

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use oathbridge::clock::ManualClock;
use oathbridge::virt::{self, TokenSpec};
use tempfile::TempDir;

use crate::bus::PrivateBus;
use crate::client::Client;
use crate::own_process::Folder;
use crate::pcscd::PrivatePcscd;
use crate::tested;

use inside::{Inside, Setup};
pub use process::Daemon;

/// A private bus and an empty home for daemons.
///
/// It is isolated from the machine: the environment contains only `PATH`, a program does not look for keys of the machine, and
/// there is a pcscd or a system bus only if the test adds one.
#[derive(Debug)]
pub struct Stage {
    kind: Kind,
    bus: PrivateBus,
    home: Arc<TempDir>,
    log: PathBuf,
}

/// The section that keeps a program from the keys of the machine.
const WITHOUT_KEYS: &str = "[hid]\nfido = false\n";

/// How long a daemon in this process waits for an answer of logind, which is late only on a busy machine.
const LOGIND_TIMEOUT: Duration = Duration::from_secs(120);

/// The kind of daemon.
#[derive(Debug)]
enum Kind {
    Program { program: PathBuf, arguments: Vec<OsString>, environment: Vec<(OsString, OsString)> },
    Inside { clock: Arc<ManualClock>, tokens: Vec<TokenSpec>, logind_timeout: Duration },
}

impl Stage {
    /// A stage for this `oathbridged`, or the build of it that [`tested::program`] chooses.
    ///
    /// # Errors
    ///
    /// If no file can be created, the bus does not start, or the build is missing.
    pub fn new(program: impl Into<PathBuf>) -> io::Result<Self> {
        Self::on(PrivateBus::start()?, program)
    }

    /// A stage on this bus.
    ///
    /// # Errors
    ///
    /// If no file can be created, or the build is missing.
    pub fn on(bus: PrivateBus, program: impl Into<PathBuf>) -> io::Result<Self> {
        let home = tempfile::Builder::new().prefix("testkit-home-").tempdir()?;
        let (arguments, environment) = (Vec::new(), Vec::new());
        let kind = Kind::Program { program: tested::program(program.into())?, arguments, environment };
        let log = home.path().join("log");
        let mut stage = Self { kind, bus, home: Arc::new(home), log };
        let no_pcscd = stage.home().join("no-pcscd");
        stage.set_variable("PCSCLITE_CSOCK_NAME", no_pcscd);
        let no_bus = format!("unix:path={}", stage.home().join("no-system-bus").display());
        stage.set_variable("DBUS_SYSTEM_BUS_ADDRESS", no_bus);
        Ok(stage)
    }

    /// A stage for a daemon in this process, with a clock of the test. The daemon uses the pcscd and the system bus in the
    /// folder of the process.
    ///
    /// # Errors
    ///
    /// If the test has no separate process (`testkit::test`), or the bus does not start.
    pub fn inside(clock: Arc<ManualClock>) -> io::Result<Self> {
        let folder = Folder::own().ok_or_else(|| io::Error::other("the test has no process of its own"))?;
        let kind = Kind::Inside { clock, tokens: Vec::new(), logind_timeout: LOGIND_TIMEOUT };
        let (home, log) = (Arc::new(folder.home()?), folder.log());
        let stage = Self { kind, bus: PrivateBus::start()?, home, log };
        stage.configure("")?;
        Ok(stage)
    }

    /// A second stage in this process, with the same home and the same tokens on another bus.
    ///
    /// # Errors
    ///
    /// If this stage is for a program, or the bus does not start.
    pub fn beside(&self) -> io::Result<Self> {
        let Kind::Inside { clock, tokens, logind_timeout } = &self.kind else {
            return Err(io::ErrorKind::Unsupported.into());
        };
        let (clock, tokens, logind_timeout) = (Arc::clone(clock), tokens.clone(), *logind_timeout);
        let kind = Kind::Inside { clock, tokens, logind_timeout };
        Ok(Self { kind, bus: PrivateBus::start()?, home: Arc::clone(&self.home), log: self.log.clone() })
    }

    /// Makes the daemon use this pcscd. A daemon in this process always uses the pcscd in the folder of the process.
    pub fn use_pcscd(&mut self, pcscd: &PrivatePcscd) {
        self.set_variable("PCSCLITE_CSOCK_NAME", pcscd.socket());
    }

    /// Attaches virtual tokens, from the text of a token file.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn use_virtual_tokens(&mut self, text: &str) -> io::Result<()> {
        if let Kind::Inside { tokens, .. } = &mut self.kind {
            *tokens = virt::parse(text).map_err(io::Error::other)?;
            return Ok(());
        }
        let file = self.home().join("tokens.toml");
        fs::write(&file, text)?;
        let mut argument = OsString::from("--virtual-token=");
        argument.push(file);
        self.add_argument(argument);
        Ok(())
    }

    /// Sets how long a daemon in this process waits for an answer of logind.
    pub fn set_logind_timeout(&mut self, timeout: Duration) {
        if let Kind::Inside { logind_timeout, .. } = &mut self.kind {
            *logind_timeout = timeout;
        }
    }

    /// Adds an argument for the program.
    pub fn add_argument(&mut self, argument: impl Into<OsString>) {
        if let Kind::Program { arguments, .. } = &mut self.kind {
            arguments.push(argument.into());
        }
    }

    /// Adds an environment variable for the program.
    pub fn set_variable(&mut self, name: &str, value: impl Into<OsString>) {
        if let Kind::Program { environment, .. } = &mut self.kind {
            environment.push((name.into(), value.into()));
        }
    }

    /// Writes the configuration file of the daemon.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn configure(&self, text: &str) -> io::Result<()> {
        let file = self.config_path();
        fs::create_dir_all(file.parent().unwrap_or(self.home()))?;
        // A daemon inside of the test has no HID transport.
        let is_isolated = matches!(self.kind, Kind::Inside { .. }) || text.contains("[hid");
        fs::write(file, if is_isolated { text.to_owned() } else { format!("{text}\n{WITHOUT_KEYS}") })
    }

    /// Writes the administrator's policy of a daemon in this process; a program has that of the machine.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn restrict(&self, text: &str) -> io::Result<()> {
        fs::write(self.policy_path(), text)
    }

    fn policy_path(&self) -> PathBuf {
        self.home().join("policy.toml")
    }

    /// The configuration file of the daemon.
    pub(crate) fn config_path(&self) -> PathBuf {
        self.home().join("config/oathbridge/config.toml")
    }

    /// The home of the daemon.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// The state folder, which the daemon creates.
    pub fn state(&self) -> PathBuf {
        self.home().join("state/oathbridge")
    }

    /// The runtime folder (`XDG_RUNTIME_DIR`), in which the daemon creates a folder for the second copy of its record.
    pub fn runtime(&self) -> PathBuf {
        self.home().join("runtime")
    }

    /// The address of the bus.
    pub fn address(&self) -> &str {
        self.bus.address()
    }

    /// The standard error of all daemons on this stage.
    ///
    /// # Errors
    ///
    /// If the file cannot be read.
    pub fn log(&self) -> io::Result<String> {
        let bytes = fs::read(&self.log)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Starts a daemon, without waiting until it is ready.
    ///
    /// # Errors
    ///
    /// If the program does not start.
    pub fn spawn(&self) -> io::Result<Daemon> {
        match &self.kind {
            Kind::Program { program, arguments, environment } => {
                let mut command = Command::new(program);
                command.args(arguments);
                self.surround(&mut command).envs(environment.iter().map(|(name, value)| (name, value)));
                Daemon::spawn(command.stderr(self.log_file()?))
            }
            Kind::Inside { clock, tokens, logind_timeout } => Inside::start(Setup {
                clock: Arc::clone(clock),
                tokens: tokens.clone(),
                config: self.config_path(),
                policy: self.policy_path(),
                state: self.state(),
                runtime: self.runtime().join("oathbridge"),
                bus: self.address().to_owned(),
                logind_timeout: *logind_timeout,
            })
            .map(Daemon::from),
        }
    }

    fn surround<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").as_deref().unwrap_or(OsStr::new("/usr/bin:/bin")))
            .env("HOME", self.home())
            .env("XDG_CONFIG_HOME", self.home().join("config"))
            .env("XDG_STATE_HOME", self.home().join("state"))
            .env("XDG_RUNTIME_DIR", self.runtime())
            .env("DBUS_SESSION_BUS_ADDRESS", self.address())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
    }

    /// A client on the bus.
    ///
    /// # Errors
    ///
    /// If the bus refuses the client.
    pub async fn client(&self) -> io::Result<Client> {
        Client::connect(self.address()).await.map_err(io::Error::other)
    }

    /// Starts a daemon and waits until it owns its name on the bus.
    ///
    /// # Errors
    ///
    /// If the program does not start, or does not own its name after 60 s. The error contains the log.
    pub async fn start(&self, client: &Client) -> io::Result<Daemon> {
        let daemon = self.spawn()?;
        match client.wait_for_name(true).await {
            Ok(()) => Ok(daemon),
            Err(error) => Err(io::Error::other(format!("{error}; the log: {}", self.log()?))),
        }
    }

    fn log_file(&self) -> io::Result<File> {
        OpenOptions::new().create(true).append(true).open(&self.log)
    }
}
