//! A complete test environment: buses, tokens (behind a private pcscd or simulated), a fake Cognito, and the daemon.

mod world;

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use oathbridge::clock::{Clock, ManualClock, SystemClock};
use oathbridge::virt::{self, VirtualToken};

use crate::bus::PrivateBus;
use crate::daemon::Stage;
use crate::fake_cognito::{FakeCognito, Options};
use crate::own_process::Folder;
use crate::pcscd::PrivatePcscd;

pub use world::World;

/// The Unix time at the start of an in-process scenario: the start of a 30-second time step.
pub const START_UNIX_TIME: u64 = 1_800_000_000;

/// The start of the current time step in Unix time, for third-party programs, which use the system clock.
pub fn today() -> u64 {
    let now = SystemClock::new().unix_time().as_secs();
    now - now % 30
}

/// The administrator's policy of the machine.
const POLICY: &str = "/etc/oathbridge/policy.toml";

/// The placeholder for the address of the fake Cognito in a configuration.
const COGNITO: &str = "COGNITO_URL";

/// Quotas do not refill on a stopped clock, so this quota is large enough for a whole test.
const QUERIES: &str = "all_queries_per_second = 1000000\nqueries_per_second = 1000000\n";

/// The fake Cognito answers at once, but the timeouts are in real time, and a machine may be busy.
const REQUEST_TIMEOUT: &str = "request_timeout = 60.0\n";

/// It must be shorter than the timeout of the request.
const CONNECT_TIMEOUT: &str = "connect_timeout = 50.0\n";

/// The description of a test environment.
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
    /// The start time, if it is not the default one.
    begins: Option<Duration>,
}

impl Scenario {
    /// A daemon in this process, with a clock that only the test moves. Requires `testkit::test`.
    pub fn inside() -> Self {
        Self::default()
    }

    /// The built daemon, with the system clock.
    pub fn program(program: impl Into<PathBuf>) -> Self {
        Self { program: Some(program.into()), ..Self::default() }
    }

    /// Adds the tokens of this token file as cards, each in its own reader of a private pcscd.
    pub fn cards(mut self, text: &str) -> Self {
        self.cards = Some(text.to_owned());
        self
    }

    /// Adds this number of empty readers with two slots each, instead of one reader for each card.
    pub fn readers(mut self, count: usize) -> Self {
        (self.readers, self.left_out) = (Some(count), true);
        self
    }

    /// Leaves the cards out of their readers.
    pub fn left_out(mut self) -> Self {
        self.left_out = true;
        self
    }

    /// Adds the tokens of this token file as simulated tokens in the daemon.
    pub fn virtual_tokens(mut self, text: &str) -> Self {
        self.virtual_tokens = Some(text.to_owned());
        self
    }

    /// Sets the configuration. `COGNITO_URL` in it is replaced by the address of the fake Cognito.
    pub fn config(mut self, text: &str) -> Self {
        self.config = text.to_owned();
        self
    }

    /// Adds a bus that the daemon uses as the system bus.
    pub fn system_bus(mut self) -> Self {
        self.system_bus = true;
        self
    }

    /// Allows every user to connect to the session bus.
    pub fn bus_for_everybody(mut self) -> Self {
        self.for_everybody = true;
        self
    }

    /// Sets the start time, in Unix time.
    pub fn at(mut self, unix: u64) -> Self {
        self.begins = Some(Duration::from_secs(unix));
        self
    }

    /// Starts the environment and the daemon.
    ///
    /// # Errors
    ///
    /// If a text is invalid, or if a program is missing on this machine or does not start.
    pub async fn start(self) -> io::Result<World> {
        let mut world = self.prepare().await?;
        world.start_daemon().await?;
        Ok(world)
    }

    /// Starts the environment without the daemon.
    ///
    /// # Errors
    ///
    /// Those of [`Scenario::start`].
    pub async fn prepare(self) -> io::Result<World> {
        let begins = self.begins.unwrap_or(Duration::from_secs(START_UNIX_TIME));
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
        if self.program.is_some() {
            isolate(&mut stage)?;
        }
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

    fn readers_and_cards(&self) -> io::Result<(Option<PrivatePcscd>, Vec<VirtualToken>)> {
        let Some(text) = &self.cards else { return Ok((None, Vec::new())) };
        let tokens = virt::parse(text).map_err(io::Error::other)?;
        let cards: Vec<VirtualToken> = tokens.iter().map(VirtualToken::new).collect();
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

/// Keeps the files of the machine from a program. Nothing keeps its policy away.
fn isolate(stage: &mut Stage) -> io::Result<()> {
    if Path::new(POLICY).exists() {
        return Err(io::Error::other(format!("{POLICY} would restrict the tested daemon; move it away")));
    }
    let mut argument = OsString::from("--config=");
    argument.push(stage.config_path());
    stage.add_argument(argument);
    Ok(())
}

/// The configuration of a daemon in this process, with settings that suit a test, unless it has its own.
fn for_tests(text: &str) -> String {
    let text = with(text, "[limits]\n", QUERIES);
    let request = with(&text, "[cognito]\n", REQUEST_TIMEOUT);
    // A request_timeout of the test may be shorter than any other connect_timeout than the default.
    if request == text { text } else { with(&request, "[cognito]\n", CONNECT_TIMEOUT) }
}

/// The configuration with these settings of a section. If it has one of them, none is added.
fn with(text: &str, section: &str, settings: &str) -> String {
    let mut keys = settings.lines().filter_map(|line| line.split(' ').next());
    if keys.any(|key| text.contains(key)) {
        return text.to_owned();
    }
    match text.split_once(section) {
        Some((before, after)) => format!("{before}{section}{settings}{after}"),
        None => format!("{text}\n{section}{settings}"),
    }
}

#[cfg(test)]
mod tests {
    use oathbridge::config::Config;

    use super::*;

    #[test]
    fn a_test_may_set_each_timeout_alone() {
        let expected = [
            ("", (50, 60)),
            ("connect_timeout = 9.0\n", (9, 60)),
            ("request_timeout = 9.0\n", (3, 9)),
            ("connect_timeout = 1.0\nrequest_timeout = 2.0\n", (1, 2)),
        ];
        for (own, timeouts) in expected {
            let text = for_tests(&format!("[cognito]\n{own}"));
            let cognito = Config::parse(&text, Path::new("config.toml")).unwrap().cognito;
            let found = (cognito.connect_timeout.as_secs(), cognito.request_timeout.as_secs());
            assert_eq!(found, timeouts, "{text}");
        }
    }
}
