//! Everything at once: buses, tokens behind a private pcscd or of software, a Cognito, and the daemon between them.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use oathbridge::clock::{Clock, ManualClock, SystemClock};
use oathbridge::virt::{self, Card};

use crate::bus::PrivateBus;
use crate::client::Client;
use crate::daemon::{Daemon, Stage};
use crate::fake_cognito::{FakeCognito, Options};
use crate::own_process::Folder;
use crate::pcscd::PrivatePcscd;

/// When a scenario in this process begins, Unix seconds: at the start of a time step of 30 seconds.
pub const BEGINNING: u64 = 1_800_000_000;

/// The start of the present time step, Unix seconds, for programs of others that look at the system's clock.
pub fn today() -> u64 {
    let now = SystemClock::new().unix_time().as_secs();
    now - now % 30
}

/// What stands in a configuration for the fake Cognito's address.
const COGNITO: &str = "COGNITO_URL";

/// On a clock that stands still no allowance grows again, so that of queries lasts for a whole test.
const QUERIES: &str = "queries_per_second = 1000000\nall_queries_per_second = 1000000\n";

/// How long a clock that has to be moved may let itself be waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a test needs.
#[derive(Clone, Debug, Default)]
pub struct Scenario {
    program: Option<PathBuf>,
    cards: Option<String>,
    readers: Option<usize>,
    left_out: bool,
    virtual_tokens: Option<String>,
    config: String,
    system_bus: bool,
    for_everybody: bool,
    /// When it begins, if not at the usual time.
    begins: Option<Duration>,
}

impl Scenario {
    /// A daemon in this process, on a clock that stands still until the test moves it. It needs `testkit::test`.
    pub fn inside() -> Self {
        Self::default()
    }

    /// The built daemon, on the system's clock.
    pub fn program(program: impl Into<PathBuf>) -> Self {
        Self { program: Some(program.into()), ..Self::default() }
    }

    /// The tokens of this token file as cards, each in a reader of a private pcscd.
    pub fn cards(mut self, text: &str) -> Self {
        self.cards = Some(text.to_owned());
        self
    }

    /// As many readers of two slots each, and no card in them, instead of one with its card for each.
    pub fn readers(mut self, count: usize) -> Self {
        (self.readers, self.left_out) = (Some(count), true);
        self
    }

    /// The cards are not in their readers.
    pub fn left_out(mut self) -> Self {
        self.left_out = true;
        self
    }

    /// The tokens of this token file, made of software in the daemon itself.
    pub fn virtual_tokens(mut self, text: &str) -> Self {
        self.virtual_tokens = Some(text.to_owned());
        self
    }

    /// This configuration, in which `COGNITO_URL` is the fake Cognito's address.
    pub fn config(mut self, text: &str) -> Self {
        self.config = text.to_owned();
        self
    }

    /// A bus that the daemon takes for the system's.
    pub fn system_bus(mut self) -> Self {
        self.system_bus = true;
        self
    }

    /// Users of all kinds may join the program's bus.
    pub fn bus_for_everybody(mut self) -> Self {
        self.for_everybody = true;
        self
    }

    /// Begins at this time, Unix seconds.
    pub fn at(mut self, unix: u64) -> Self {
        self.begins = Some(Duration::from_secs(unix));
        self
    }

    /// Starts all of it.
    ///
    /// # Errors
    ///
    /// When a text is wrong, or a part is missing on this machine or doesn't come up.
    pub async fn start(self) -> io::Result<World> {
        let mut world = self.prepare().await?;
        world.start_daemon().await?;
        Ok(world)
    }

    /// Starts all of it but the daemon.
    ///
    /// # Errors
    ///
    /// As [`Scenario::start`].
    pub async fn prepare(self) -> io::Result<World> {
        let begins = self.begins.unwrap_or(Duration::from_secs(BEGINNING));
        let clock = self.program.is_none().then(|| Arc::new(ManualClock::at(begins)));
        let mut options = Options::default();
        if let Some(clock) = &clock {
            options.clock = Arc::clone(clock) as Arc<dyn Clock>;
        }
        let cognito = FakeCognito::start(options)?;
        let mut stage = match (&self.program, &clock) {
            (Some(program), _) if self.for_everybody => {
                Stage::on(PrivateBus::start_for_all_users()?, program)?
            }
            (Some(program), _) => Stage::new(program)?,
            (None, Some(clock)) => Stage::inside(Arc::clone(clock))?,
            (None, None) => return Err(io::ErrorKind::InvalidInput.into()),
        };
        let (pcscd, cards) = self.readers_and_cards()?;
        if let Some(pcscd) = &pcscd {
            stage.use_pcscd(pcscd);
        }
        if let Some(text) = &self.virtual_tokens {
            stage.use_virtual_tokens(text)?;
        }
        let system = self.bus_of_the_system()?;
        if let Some(system) = &system {
            stage.set_variable("DBUS_SYSTEM_BUS_ADDRESS", system.address());
        }
        let client = stage.client().await?;
        let world = World { daemon: None, client, stage, cognito, cards, clock, system, pcscd };
        world.configure(&self.config)?;
        Ok(world)
    }

    fn readers_and_cards(&self) -> io::Result<(Option<PrivatePcscd>, Vec<Card>)> {
        let Some(text) = &self.cards else { return Ok((None, Vec::new())) };
        let tokens = virt::parse(text).map_err(io::Error::other)?;
        let cards: Vec<Card> = tokens.iter().map(Card::new).collect();
        let readers = self.readers.unwrap_or(cards.len());
        let mut pcscd = match Folder::own() {
            Some(folder) if self.program.is_none() => PrivatePcscd::start_in(folder.pcscd()?, readers)?,
            _ => PrivatePcscd::start(readers)?,
        };
        if !self.left_out {
            pcscd.insert_all(&cards)?;
        }
        Ok((Some(pcscd), cards))
    }

    fn bus_of_the_system(&self) -> io::Result<Option<PrivateBus>> {
        match Folder::own() {
            _ if !self.system_bus => Ok(None),
            Some(folder) if self.program.is_none() => PrivateBus::start_in(folder.system_bus()?).map(Some),
            _ => PrivateBus::start().map(Some),
        }
    }
}

/// What a [`Scenario`] has become.
#[derive(Debug)]
pub struct World {
    /// The daemon; none while a test keeps it down.
    pub daemon: Option<Daemon>,
    /// A client of it.
    pub client: Client,
    /// Its bus, home and log.
    pub stage: Stage,
    /// The Cognito of its profiles, on the same clock.
    pub cognito: FakeCognito,
    /// The cards, in the order of the token file.
    pub cards: Vec<Card>,
    clock: Option<Arc<ManualClock>>,
    system: Option<PrivateBus>,
    pcscd: Option<PrivatePcscd>,
}

impl World {
    /// Starts the daemon, or another one after it has ended.
    ///
    /// # Errors
    ///
    /// When it doesn't come up.
    pub async fn start_daemon(&mut self) -> io::Result<()> {
        self.daemon = Some(self.stage.start(&self.client).await?);
        Ok(())
    }

    /// Asks the daemon to end, and waits until its name has left the bus.
    ///
    /// # Errors
    ///
    /// When it has failed, or its name stays.
    pub async fn end_daemon(&mut self) -> io::Result<()> {
        self.daemon.take().map_or(Ok(()), Daemon::terminate)?;
        self.client.wait_for_name(false).await.map_err(io::Error::other)
    }

    /// Writes another configuration, as [`Scenario::config`]; the daemon reads it at its start, or by Reload.
    ///
    /// # Errors
    ///
    /// When it can't be written.
    pub fn configure(&self, text: &str) -> io::Result<()> {
        let text = text.replace(COGNITO, &self.cognito.url());
        self.stage.configure(&if self.clock.is_some() { patient(&text) } else { text })
    }

    /// The first card.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn card(&self) -> io::Result<&Card> {
        self.cards.first().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Its smart card service.
    ///
    /// # Errors
    ///
    /// When it has none.
    pub fn pcscd(&mut self) -> io::Result<&mut PrivatePcscd> {
        self.pcscd.as_mut().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Puts all cards into their readers.
    ///
    /// # Errors
    ///
    /// When there are no readers, or pcscd doesn't see the cards.
    pub fn insert_all(&mut self) -> io::Result<()> {
        self.pcscd.as_mut().ok_or(io::ErrorKind::NotFound)?.insert_all(&self.cards)
    }

    /// The bus that the daemon takes for the system's.
    ///
    /// # Errors
    ///
    /// When it has none.
    pub fn system(&self) -> io::Result<&PrivateBus> {
        self.system.as_ref().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// As [`World::system`], to stop and start it.
    ///
    /// # Errors
    ///
    /// As [`World::system`].
    pub fn system_mut(&mut self) -> io::Result<&mut PrivateBus> {
        self.system.as_mut().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// The clock that stands still.
    ///
    /// # Errors
    ///
    /// When the daemon is a program, which has the system's.
    pub fn clock(&self) -> io::Result<&ManualClock> {
        self.clock.as_deref().ok_or_else(|| io::ErrorKind::Unsupported.into())
    }

    /// The time step of 30 seconds that the clock is in.
    ///
    /// # Errors
    ///
    /// As [`World::clock`].
    pub fn step(&self) -> io::Result<u64> {
        Ok(self.clock()?.unix_time().as_secs() / 30)
    }

    /// Lets time pass when, and only when, something in the daemon sleeps for exactly so long.
    ///
    /// # Errors
    ///
    /// As [`World::clock`]; also when nothing sleeps so for half a minute.
    pub async fn pass(&self, duration: Duration) -> io::Result<()> {
        let clock = self.clock()?;
        tokio::time::timeout(PATIENCE, clock.somebody_sleeps(duration)).await.map_err(io::Error::other)?;
        clock.advance(duration);
        Ok(())
    }
}

/// The configuration with an allowance of queries, unless it has one.
fn patient(text: &str) -> String {
    const LIMITS: &str = "[limits]\n";
    if text.contains("queries_per_second") {
        return text.to_owned();
    }
    match text.split_once(LIMITS) {
        Some((before, after)) => format!("{before}{LIMITS}{QUERIES}{after}"),
        None => format!("{text}\n{LIMITS}{QUERIES}"),
    }
}
