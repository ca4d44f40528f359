//! The environment of a measured program: a bus, a smart card service with a card, a fake Cognito, and a folder of programs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use oathbridge::virt::{TokenSpec, VirtualToken};
use tempfile::TempDir;
use testkit::bus::PrivateBus;
use testkit::fake_cognito::{FakeCognito, Options};
use testkit::pcscd::PrivatePcscd;
use zbus::{Connection, OwnedObjectPath, connection};

use super::Failure;
use super::caller::{self, Map, ROOT};

/// The unit, whose environment the daemon has.
const UNIT: &str = include_str!("../../../../systemd/oathbridge.service");

/// The name of bare services, each on its own bus.
pub(crate) const BARE_NAME: &str = "io.github.oathbridge.Bare";

/// The credential of the codes: its account, and its name on the token.
pub(crate) const ACCOUNT: &str = "alice@example.com";
pub(crate) const CREDENTIAL: &str = "AWS Cognito:alice@example.com";

pub(crate) struct Rig {
    pub(crate) connection: Connection,
    pub(crate) card: VirtualToken,
    pub(crate) fake: FakeCognito,
    pub(crate) seed: Vec<u8>,
    spec: TokenSpec,
    pcscd: Arc<Mutex<PrivatePcscd>>,
    socket: PathBuf,
    bus: PrivateBus,
    directory: TempDir,
    programs: PathBuf,
}

impl Rig {
    /// A rig for the programs in the folder `programs`.
    pub(crate) async fn new(programs: &Path) -> Result<Self, Failure> {
        let spec = TokenSpec::demo().into_iter().next().ok_or("there is no token")?;
        let alice = spec.credentials.iter().find(|credential| credential.id() == CREDENTIAL);
        let seed = alice.ok_or("there is no credential")?.seed.expose().to_vec();
        let card = VirtualToken::new(&spec);
        let mut pcscd = PrivatePcscd::start(1)?;
        pcscd.insert(0, &card)?;
        let bus = PrivateBus::start()?;
        let fake = FakeCognito::start(Options::default())?;
        let directory = tempfile::tempdir()?;
        let url = fake.url();
        let config = format!("[profiles.figures]\nregion = \"eu-central-1\"\nendpoint_url = \"{url}\"\n");
        // High limits, so that no call is delayed or refused.
        let limits = "[limits]\ncodes_per_minute = 1000000\n\n";
        // The computer's own keys are not measured.
        let config = format!("{config}[hid]\nfido = false\n");
        fs::write(directory.path().join("config.toml"), [limits, &config].concat())?;
        let connection = connection::Builder::address(bus.address()).build().await?;
        let (socket, programs) = (pcscd.socket(), programs.to_owned());
        let pcscd = Arc::new(Mutex::new(pcscd));
        Ok(Self { connection, card, fake, seed, spec, pcscd, socket, bus, directory, programs })
    }

    /// Sets the limits that users have, for what is measured with too many calls.
    pub(crate) fn limit(&self) -> Result<(), Failure> {
        let file = self.directory.path().join("config.toml");
        let config = fs::read_to_string(&file)?;
        let (_, config) = config.split_once("\n\n").ok_or("there are no limits")?;
        Ok(fs::write(file, config)?)
    }

    /// Replaces the smart cards by a token file, and adds the configuration of its slots. Returns the argument of the daemon.
    pub(crate) fn add_token(&self, token: &str, slots: &str) -> Result<String, Failure> {
        let file = self.directory.path().join("config.toml");
        let config = format!("{}{slots}[pcsc]\nenabled = false\n", fs::read_to_string(&file)?);
        fs::write(file, config)?;
        let tokens = self.directory.path().join("tokens.toml");
        fs::write(&tokens, token)?;
        Ok(format!("--virtual-token={}", tokens.display()))
    }

    /// The address of the bus.
    pub(crate) fn address(&self) -> &str {
        self.bus.address()
    }

    /// The name of the reader with the card.
    pub(crate) fn reader(&self) -> String {
        format!("{} 00 00", PrivatePcscd::READER_NAME)
    }

    /// Pulls the card out.
    pub(crate) fn remove(&self) -> Result<(), Failure> {
        Ok(self.pcscd.lock().unwrap_or_else(PoisonError::into_inner).remove(0)?)
    }

    /// Inserts a new card with the same content and an empty log of commands. Signals are received meanwhile.
    pub(crate) async fn insert_another(&mut self, delay: Duration) -> Result<(), Failure> {
        self.card = VirtualToken::new(&self.spec);
        self.card.set_delay(delay);
        let (pcscd, card) = (Arc::clone(&self.pcscd), self.card.clone());
        let insert = move || pcscd.lock().unwrap_or_else(PoisonError::into_inner).insert(0, &card);
        Ok(tokio::task::spawn_blocking(insert).await??)
    }

    /// The command line of a bare program, which is in the folder of this program.
    pub(crate) fn bare_program(&self, name: &str) -> Result<Command, Failure> {
        Ok(self.command(&std::env::current_exe()?.with_file_name(name)))
    }

    pub(crate) fn program(&self, name: &str) -> Command {
        self.command(&self.programs.join(name))
    }

    /// A command line with the bus, the card and a home of this rig in its environment.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let home = self.directory.path();
        let mut command = Command::new(program);
        command
            .env("DBUS_SESSION_BUS_ADDRESS", self.bus.address())
            .env("PCSCLITE_CSOCK_NAME", &self.socket)
            .env("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
            .env("HOME", home)
            .env("XDG_RUNTIME_DIR", home.join("runtime"))
            .stdin(Stdio::null())
            .stderr(Stdio::null());
        for (variable, folder) in
            [("CONFIG", "config"), ("STATE", "state"), ("DATA", "data"), ("CACHE", "cache")]
        {
            command.env(format!("XDG_{variable}_HOME"), home.join(folder));
        }
        command
    }

    /// The command line of the daemon with this state folder, which contains the known tokens.
    pub(crate) fn daemon(&self, state: &str) -> Command {
        let mut command = self.program("oathbridged");
        command
            .arg("--config")
            .arg(self.directory.path().join("config.toml"))
            .env("XDG_STATE_HOME", self.directory.path().join(state))
            // The second copy of the single-use record belongs to the state folder.
            .env("XDG_RUNTIME_DIR", self.directory.path().join(format!("{state}-runtime")))
            .envs(UNIT.lines().filter_map(|line| line.strip_prefix("Environment=")?.split_once('=')))
            .stdout(Stdio::null());
        command
    }

    /// Starts the daemon and waits until it has read the card.
    pub(crate) async fn started(&self, state: &str) -> Result<Running, Failure> {
        let running = Running::new(&mut self.daemon(state))?;
        self.until_read().await?;
        Ok(running)
    }

    /// Waits until the daemon has read the credential of the codes.
    pub(crate) async fn until_read(&self) -> Result<(), Failure> {
        for _ in 0..500 {
            if self.credential().await.is_ok() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Err("the daemon doesn't show the card's credentials".into())
    }

    /// The path of the credential of the codes.
    pub(crate) async fn credential(&self) -> Result<OwnedObjectPath, Failure> {
        caller::credential(&self.connection, ACCOUNT).await
    }

    pub(crate) async fn calculate(&self, name: &str, credential: &OwnedObjectPath) -> Result<(), Failure> {
        caller::calculate(&self.connection, name, credential).await
    }

    pub(crate) async fn verify(&self, credential: &OwnedObjectPath, token: &str) -> Result<(), Failure> {
        let options = Map::from([("profile", "figures".into()), ("access-token", token.into())]);
        let arguments = (credential, options);
        caller::call(&self.connection, ROOT, "Cognito", "VerifySoftwareToken", &arguments).await?;
        Ok(())
    }
}

/// A program in the background, killed on drop.
pub(crate) struct Running(pub(crate) Child);

impl Running {
    pub(crate) fn new(command: &mut Command) -> Result<Self, Failure> {
        let program = command.get_program().display().to_string();
        Ok(Self(command.spawn().map_err(|error| format!("{program}: {error}"))?))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // If the process has already ended, both calls do nothing.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
