//! Everything at once: cards in the readers of a private pcscd, and the daemon that reads them.

use std::io;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use oathbridge::virt::{self, Card};

use crate::client::Client;
use crate::daemon::{Daemon, Stage};
use crate::pcscd::PrivatePcscd;

/// A running daemon, and the world that it sees.
#[derive(Debug)]
pub struct Rig {
    /// The daemon; none while a test keeps it down.
    pub daemon: Option<Daemon>,
    /// A client of it.
    pub client: Client,
    /// Its bus, home and log.
    pub stage: Stage,
    /// Its smart card service: a reader for each card.
    pub pcscd: PrivatePcscd,
    /// The cards, in the order of the token file.
    pub cards: Vec<Card>,
}

impl Rig {
    /// Starts all of it: `tokens` is the text of a token file, `config` that of a configuration. The cards are
    /// in the readers unless `inserted` is false.
    ///
    /// # Errors
    ///
    /// When a text is wrong, or a part is missing on this machine or doesn't come up.
    pub async fn start(
        program: impl Into<PathBuf>,
        tokens: &str,
        config: &str,
        inserted: bool,
    ) -> io::Result<Self> {
        let tokens = virt::parse(tokens).map_err(io::Error::other)?;
        let cards: Vec<Card> = tokens.iter().map(Card::new).collect();
        let mut pcscd = PrivatePcscd::start(cards.len())?;
        if inserted {
            pcscd.insert_all(&cards)?;
        }
        Self::with(program, pcscd, cards, config).await
    }

    /// As [`Rig::start`], with so many readers of two slots each instead of one for each card, and no card in them.
    ///
    /// # Errors
    ///
    /// As [`Rig::start`].
    pub async fn start_with_readers(
        program: impl Into<PathBuf>,
        tokens: &str,
        config: &str,
        readers: usize,
    ) -> io::Result<Self> {
        let tokens = virt::parse(tokens).map_err(io::Error::other)?;
        let cards = tokens.iter().map(Card::new).collect();
        let pcscd = PrivatePcscd::start(readers)?;
        Self::with(program, pcscd, cards, config).await
    }

    async fn with(
        program: impl Into<PathBuf>,
        pcscd: PrivatePcscd,
        cards: Vec<Card>,
        config: &str,
    ) -> io::Result<Self> {
        let mut stage = Stage::new(program)?;
        stage.use_pcscd(&pcscd);
        stage.configure(config)?;
        let client = stage.client().await?;
        let daemon = Some(stage.start(&client).await?);
        Ok(Self { daemon, client, stage, pcscd, cards })
    }

    /// The first card.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn card(&self) -> io::Result<&Card> {
        self.cards.first().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

/// Waits for a step of 30 seconds that has this many left, and says which one it is.
pub async fn step_with_room(seconds: u64) -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let step = now.as_secs() / 30;
    let end = Duration::from_secs((step + 1) * 30);
    if now + Duration::from_secs(seconds) <= end {
        return step;
    }
    tokio::time::sleep(end.saturating_sub(now)).await;
    step + 1
}
