//! A running test environment.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use oathbridge::clock::{Clock, ManualClock};
use oathbridge::virt::VirtualToken;

use super::{COGNITO, for_tests};
use crate::bus::PrivateBus;
use crate::client::{Client, Event};
use crate::daemon::{Daemon, Stage};
use crate::fake_cognito::FakeCognito;
use crate::pcscd::PrivatePcscd;

/// The timeout for a sleeper to appear, before the clock is moved.
const SLEEPER_TIMEOUT: Duration = Duration::from_secs(30);

/// A running [`Scenario`](super::Scenario).
#[derive(Debug)]
pub struct World {
    /// The daemon; `None` while it is stopped.
    pub daemon: Option<Daemon>,
    /// A client of the daemon.
    pub client: Client,
    /// The bus, home directory and log of the daemon.
    pub stage: Stage,
    /// The fake Cognito of the profiles, with the same clock.
    pub cognito: FakeCognito,
    /// The virtual tokens, which are the cards in the readers, in the order of the token file.
    pub cards: Vec<VirtualToken>,
    pub(super) clock: Option<Arc<ManualClock>>,
    pub(super) system: Option<PrivateBus>,
    pub(super) pcscd: Option<PrivatePcscd>,
}

impl World {
    /// Starts the daemon, also again after it has ended.
    ///
    /// # Errors
    ///
    /// If it does not start.
    pub async fn start_daemon(&mut self) -> io::Result<()> {
        self.daemon = Some(self.stage.start(&self.client).await?);
        Ok(())
    }

    /// Stops the daemon, and waits until its name has left the bus.
    ///
    /// # Errors
    ///
    /// If the daemon failed, or if its name stays on the bus.
    pub async fn end_daemon(&mut self) -> io::Result<()> {
        self.daemon.take().map_or(Ok(()), Daemon::terminate)?;
        self.client.wait_for_name(false).await.map_err(io::Error::other)
    }

    /// Writes a new configuration, like [`Scenario::config`](super::Scenario::config). The daemon reads it at its start or on Reload.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn configure(&self, text: &str) -> io::Result<()> {
        let text = text.replace(COGNITO, &self.cognito.url());
        self.stage.configure(&if self.clock.is_some() { for_tests(&text) } else { text })
    }

    /// Writes another policy of the administrator, and has the daemon read it.
    ///
    /// # Errors
    ///
    /// If the file cannot be written, or if the daemon refuses it.
    pub async fn restrict(&self, policy: &str) -> io::Result<()> {
        self.stage.restrict(policy)?;
        self.client.reload().await.map_err(|refusal| io::Error::other(refusal.sentence))
    }

    /// The first card.
    ///
    /// # Errors
    ///
    /// If there is no card.
    pub fn card(&self) -> io::Result<&VirtualToken> {
        self.cards.first().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// The private pcscd.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub fn pcscd(&mut self) -> io::Result<&mut PrivatePcscd> {
        self.pcscd.as_mut().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Puts all cards into their readers.
    ///
    /// # Errors
    ///
    /// If there are no readers, or if pcscd does not detect the cards.
    pub fn insert_all(&mut self) -> io::Result<()> {
        self.pcscd.as_mut().ok_or(io::ErrorKind::NotFound)?.insert_all(&self.cards)
    }

    /// Plugs a virtual token in, and waits until the daemon has an object of it. `FindCredentials` then waits for its
    /// reading.
    ///
    /// # Errors
    ///
    /// If no object of a token is added within 30 seconds.
    pub async fn plug(&self, token: &VirtualToken) -> io::Result<()> {
        let mut signals = self.client.signals().await.map_err(io::Error::other)?;
        token.plug();
        signals.until(|event| matches!(event, Event::Added { .. }) && is_token(event)).await.map(drop)
    }

    /// Pulls a virtual token out, and waits until the daemon has removed its object.
    ///
    /// # Errors
    ///
    /// If no object of a token is removed within 30 seconds.
    pub async fn unplug(&self, token: &VirtualToken) -> io::Result<()> {
        let mut signals = self.client.signals().await.map_err(io::Error::other)?;
        token.unplug();
        signals.until(|event| matches!(event, Event::Removed { .. }) && is_token(event)).await.map(drop)
    }

    /// The bus that the daemon uses as the system bus.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub fn system(&self) -> io::Result<&PrivateBus> {
        self.system.as_ref().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// The system bus as mutable, to stop and start it.
    ///
    /// # Errors
    ///
    /// Those of [`World::system`].
    pub fn system_mut(&mut self) -> io::Result<&mut PrivateBus> {
        self.system.as_mut().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// The clock that the test moves.
    ///
    /// # Errors
    ///
    /// If the daemon is a program; it uses the system clock.
    pub fn clock(&self) -> io::Result<&ManualClock> {
        self.clock.as_deref().ok_or_else(|| io::ErrorKind::Unsupported.into())
    }

    /// The current 30-second time step of the clock.
    ///
    /// # Errors
    ///
    /// Those of [`World::clock`].
    pub fn step(&self) -> io::Result<u64> {
        Ok(self.clock()?.unix_time().as_secs() / 30)
    }

    /// Waits until a task of the daemon sleeps for exactly this time, and then advances the clock by it.
    ///
    /// # Errors
    ///
    /// Those of [`World::clock`]; also if no task sleeps for this time within 30 seconds.
    pub async fn pass(&self, duration: Duration) -> io::Result<()> {
        let clock = self.clock()?;
        tokio::time::timeout(SLEEPER_TIMEOUT, clock.wait_for_sleeper(duration))
            .await
            .map_err(io::Error::other)?;
        clock.advance(duration);
        Ok(())
    }
}

fn is_token(event: &Event) -> bool {
    event.place().starts_with("tokens/")
}
