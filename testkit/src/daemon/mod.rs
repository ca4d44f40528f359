//! The daemon as its users meet it: a process with a bus, a home and a log.

mod process;

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::bus::PrivateBus;
use crate::client::Client;
use crate::pcscd::PrivatePcscd;

pub use process::Daemon;

/// A private bus and an empty home, where the daemon can be started again and again.
///
/// It sees nothing of the machine: no environment but `PATH`, no configuration, and neither a pcscd nor a system
/// bus unless it is given one.
#[derive(Debug)]
pub struct Stage {
    program: PathBuf,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    bus: PrivateBus,
    home: TempDir,
}

impl Stage {
    /// A stage for this `oathbridged`.
    ///
    /// # Errors
    ///
    /// When there is no room for files, or no bus.
    pub fn new(program: impl Into<PathBuf>) -> io::Result<Self> {
        Self::on(PrivateBus::start()?, program)
    }

    /// A stage on this bus.
    ///
    /// # Errors
    ///
    /// When there is no room for files.
    pub fn on(bus: PrivateBus, program: impl Into<PathBuf>) -> io::Result<Self> {
        let home = tempfile::Builder::new().prefix("testkit-home-").tempdir()?;
        let mut stage =
            Self { program: program.into(), arguments: Vec::new(), environment: Vec::new(), bus, home };
        let nobody = stage.home().join("no-pcscd");
        stage.set_variable("PCSCLITE_CSOCK_NAME", nobody);
        let nowhere = format!("unix:path={}", stage.home().join("no-system-bus").display());
        stage.set_variable("DBUS_SYSTEM_BUS_ADDRESS", nowhere);
        Ok(stage)
    }

    /// Leads the daemon to a pcscd.
    pub fn use_pcscd(&mut self, pcscd: &PrivatePcscd) {
        self.set_variable("PCSCLITE_CSOCK_NAME", pcscd.socket());
    }

    /// Gives it tokens made of software, from the text of a token file.
    ///
    /// # Errors
    ///
    /// When the file can't be written.
    pub fn use_virtual_tokens(&mut self, text: &str) -> io::Result<()> {
        let file = self.home().join("tokens.toml");
        fs::write(&file, text)?;
        let mut argument = OsString::from("--virtual-token=");
        argument.push(file);
        self.add_argument(argument);
        Ok(())
    }

    /// Starts it with one more argument.
    pub fn add_argument(&mut self, argument: impl Into<OsString>) {
        self.arguments.push(argument.into());
    }

    /// Starts it with this variable in its environment.
    pub fn set_variable(&mut self, name: &str, value: impl Into<OsString>) {
        self.environment.push((name.into(), value.into()));
    }

    /// Writes its configuration file.
    ///
    /// # Errors
    ///
    /// When the file can't be written.
    pub fn configure(&self, text: &str) -> io::Result<()> {
        let directory = self.home().join("config/oathbridge");
        fs::create_dir_all(&directory)?;
        fs::write(directory.join("config.toml"), text)
    }

    /// Its home, which nobody else uses.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Where it keeps its state; made by the daemon.
    pub fn state(&self) -> PathBuf {
        self.home().join("state/oathbridge")
    }

    /// The bus's address.
    pub fn address(&self) -> &str {
        self.bus.address()
    }

    /// All that every daemon on this stage has written to its standard error.
    ///
    /// # Errors
    ///
    /// When the file can't be read.
    pub fn log(&self) -> io::Result<String> {
        let bytes = fs::read(self.log_path())?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Starts a daemon; it needn't be ready yet.
    ///
    /// # Errors
    ///
    /// When the program can't be started.
    pub fn spawn(&self) -> io::Result<Daemon> {
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").as_deref().unwrap_or(OsStr::new("/usr/bin:/bin")))
            .env("HOME", self.home())
            .env("XDG_CONFIG_HOME", self.home().join("config"))
            .env("XDG_STATE_HOME", self.home().join("state"))
            .env("DBUS_SESSION_BUS_ADDRESS", self.address())
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(self.log_file()?);
        Daemon::spawn(&mut command)
    }

    /// A client on its bus.
    ///
    /// # Errors
    ///
    /// When the bus refuses it.
    pub async fn client(&self) -> io::Result<Client> {
        Client::connect(self.address()).await.map_err(io::Error::other)
    }

    /// Starts a daemon and waits until it has its name on the bus.
    ///
    /// # Errors
    ///
    /// When it can't be started, or has no name after 20 s; the error has its log.
    pub async fn start(&self, client: &Client) -> io::Result<Daemon> {
        let daemon = self.spawn()?;
        match client.wait_for_name(true).await {
            Ok(()) => Ok(daemon),
            Err(error) => Err(io::Error::other(format!("{error}; the log: {}", self.log()?))),
        }
    }

    fn log_path(&self) -> PathBuf {
        self.home().join("log")
    }

    fn log_file(&self) -> io::Result<File> {
        OpenOptions::new().create(true).append(true).open(self.log_path())
    }
}
