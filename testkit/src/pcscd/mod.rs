//! A pcscd of one's own, with virtual readers, next to whatever runs on the machine.
//!
//! pcscd's socket path is compiled in, so it runs in a mount namespace where that path is a private
//! directory. Clients find it with the environment variable `PCSCLITE_CSOCK_NAME`.
//!
//! Needs the Debian packages pcscd, vsmartcard-vpcd, util-linux and mount.

mod process;
mod slot;

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use oathbridge::virt::Card;
use tempfile::TempDir;

use self::process::Process;
use self::slot::Slot;

/// How long pcscd may take to start, and to see a card: it looks for cards every 0.4 s.
const PATIENCE: Duration = Duration::from_secs(20);

/// A private pcscd; it ends when dropped.
#[derive(Debug)]
pub struct PrivatePcscd {
    process: Option<Process>,
    readers: Vec<[Slot; 2]>,
    directory: TempDir,
}

impl PrivatePcscd {
    /// The name that pcscd gives to its readers, with two numbers after it; yubikey-manager looks for it.
    pub const READER_NAME: &str = "Yubico YubiKey OTP+FIDO+CCID";

    /// Starts pcscd with `readers` readers, 0 to 8, all empty.
    ///
    /// vpcd's driver makes two slots of each reader, so pcscd shows twice as many; the second ones
    /// (`… 00 01`, `… 01 01`) stay empty.
    ///
    /// # Errors
    ///
    /// When pcscd or the vpcd driver is missing, namespaces are not allowed, or pcscd doesn't come up.
    pub fn start(readers: usize) -> io::Result<Self> {
        let directory = tempfile::Builder::new().prefix("testkit-pcscd-").tempdir()?;
        let readers = (0..readers).map(|_| Slot::pair()).collect::<io::Result<Vec<_>>>()?;
        let ports: Vec<u16> = readers.iter().map(|[first, _]| first.port()).collect();
        process::configure(directory.path(), Self::READER_NAME, &ports)?;
        let mut pcscd = Self { process: None, readers, directory };
        pcscd.restart()?;
        Ok(pcscd)
    }

    /// What `PCSCLITE_CSOCK_NAME` has to be for clients; it stays the same after a restart.
    pub fn socket(&self) -> PathBuf {
        process::socket(self.directory.path())
    }

    /// Puts a card into a reader, counted from 0, and waits until pcscd has powered it.
    ///
    /// Without a running pcscd the card is in, but nobody waits.
    ///
    /// # Errors
    ///
    /// No such reader, or pcscd doesn't see the card.
    pub fn insert(&self, reader: usize, card: &Card) -> io::Result<()> {
        let slot = self.slot(reader)?;
        slot.insert(card.clone());
        if self.process.is_none() || slot.wait_until_ready(PATIENCE) {
            return Ok(());
        }
        Err(io::Error::new(io::ErrorKind::TimedOut, "pcscd doesn't see the card"))
    }

    /// Pulls the card out of a reader: a running command ends, and pcscd sees it within 0.4 s.
    ///
    /// # Errors
    ///
    /// No such reader.
    pub fn remove(&self, reader: usize) -> io::Result<Option<Card>> {
        Ok(self.slot(reader)?.remove())
    }

    /// Ends pcscd as a service manager would (SIGTERM); it removes its socket. The cards stay in.
    ///
    /// # Errors
    ///
    /// When it can't be waited for.
    pub fn stop(&mut self) -> io::Result<()> {
        self.process.take().map_or(Ok(()), Process::terminate)
    }

    /// Ends pcscd as a crash would (SIGKILL); its socket stays as a dead file. The cards stay in.
    ///
    /// # Errors
    ///
    /// When it can't be waited for.
    pub fn kill(&mut self) -> io::Result<()> {
        self.process.take().map_or(Ok(()), Process::kill)
    }

    /// Starts pcscd, again if it runs, under the same socket path and with the same readers.
    ///
    /// # Errors
    ///
    /// When it doesn't come up, or doesn't see the cards that are in.
    pub fn restart(&mut self) -> io::Result<()> {
        self.stop()?;
        for [slot, _] in &self.readers {
            slot.expect_power_on();
        }
        self.process = Some(Process::start(self.directory.path(), PATIENCE)?);
        let unseen = self.readers.iter().any(|[slot, _]| slot.is_full() && !slot.wait_until_ready(PATIENCE));
        if unseen {
            Err(io::Error::new(io::ErrorKind::TimedOut, "pcscd doesn't see the cards"))
        } else {
            Ok(())
        }
    }

    fn slot(&self, reader: usize) -> io::Result<&Slot> {
        let [slot, _] = self
            .readers
            .get(reader)
            .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no such reader"))?;
        Ok(slot)
    }
}
