//! A private pcscd with virtual readers, independent of a pcscd of the system.
//!
//! pcscd's socket path is compiled in, so it runs in a mount namespace in which that path is a private directory. Clients
//! find it with the environment variable `PCSCLITE_CSOCK_NAME`. vpcd, the virtual reader, listens on all interfaces, so it
//! runs in a network namespace with only a loopback interface.
//!
//! Requires the Debian packages pcscd, vsmartcard-vpcd, util-linux, mount, iproute2 and bash. It works as root and, where
//! user namespaces are allowed, as any user.

mod inserted;
mod namespace;
mod process;

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use oathbridge::virt::VirtualToken;
use tempfile::TempDir;

use self::inserted::Inserted;
use self::process::Process;

/// The timeout for pcscd to start, and to see a card; it checks for cards every 0.4 s.
const PCSCD_TIMEOUT: Duration = Duration::from_secs(60);

/// The time after which a card that pcscd has not seen is put in again.
const UNSEEN_TIMEOUT: Duration = Duration::from_secs(10);

/// A private pcscd, stopped on drop.
#[derive(Debug)]
pub struct PrivatePcscd {
    readers: Vec<Option<Inserted>>,
    process: Option<Process>,
    directory: TempDir,
}

/// The value of `PCSCLITE_CSOCK_NAME` for clients of a pcscd in this directory.
pub fn socket_in(directory: &Path) -> PathBuf {
    process::socket(directory)
}

impl PrivatePcscd {
    /// The name of pcscd's first reader, which is followed by two numbers; yubikey-manager searches for it. The names of
    /// the other readers also contain a serial number, as in `… (0001) 00 00`.
    pub const READER_NAME: &str = "Yubico YubiKey OTP+FIDO+CCID";

    /// Starts pcscd with `readers` readers, 0 to 8, all empty.
    ///
    /// vpcd's driver creates two slots for each reader, so pcscd shows twice as many readers. The second slots (`… 00 01`)
    /// are numbered after all first ones.
    ///
    /// # Errors
    ///
    /// pcscd or the vpcd driver is missing, namespaces are not allowed, or pcscd does not start.
    pub fn start(readers: usize) -> io::Result<Self> {
        Self::start_in(tempfile::Builder::new().prefix("testkit-pcscd-").tempdir()?, readers)
    }

    /// Like [`PrivatePcscd::start`], in this empty directory.
    ///
    /// # Errors
    ///
    /// Those of [`PrivatePcscd::start`].
    pub fn start_in(directory: TempDir, readers: usize) -> io::Result<Self> {
        process::configure(directory.path(), Self::READER_NAME, readers)?;
        let readers = std::iter::repeat_with(|| None).take(2 * readers).collect();
        let mut pcscd = Self { readers, process: None, directory };
        pcscd.restart()?;
        Ok(pcscd)
    }

    /// The value of `PCSCLITE_CSOCK_NAME` for clients; a restart does not change it.
    pub fn socket(&self) -> PathBuf {
        socket_in(self.directory.path())
    }

    /// Inserts a card into a reader, counted from 0, and waits until pcscd has powered it. A card in the reader is pulled
    /// out first; a card that was pulled out with [`VirtualToken::unplug`] is inserted again.
    ///
    /// # Errors
    ///
    /// There is no such reader, pcscd is not running, or it does not see the card.
    pub fn insert(&mut self, reader: usize, card: &VirtualToken) -> io::Result<()> {
        let begun = Instant::now();
        loop {
            self.push(reader, card)?;
            // pcscd does not power a card that was pulled out and put back between two of its looks.
            match self.wait_until_seen(reader, UNSEEN_TIMEOUT) {
                Err(_) if begun.elapsed() < PCSCD_TIMEOUT => {}
                result => return result,
            }
        }
    }

    /// Like [`PrivatePcscd::insert`] for several cards, one in each reader from the first on. pcscd sees them at once.
    ///
    /// # Errors
    ///
    /// Like [`PrivatePcscd::insert`].
    pub fn insert_all(&mut self, cards: &[VirtualToken]) -> io::Result<()> {
        for (reader, card) in cards.iter().enumerate() {
            self.push(reader, card)?;
        }
        (0..cards.len()).try_for_each(|reader| self.wait_until_seen(reader, PCSCD_TIMEOUT))
    }

    /// The process id, if pcscd is running.
    pub fn id(&self) -> Option<u32> {
        self.process.as_ref().map(Process::id)
    }

    fn push(&mut self, reader: usize, card: &VirtualToken) -> io::Result<()> {
        self.remove(reader)?;
        let process = self.process.as_ref().ok_or_else(|| io::Error::other("pcscd doesn't run"))?;
        let slots = self.readers.len() / 2;
        let stream = process.connect(reader % slots, reader / slots)?;
        *self.reader(reader)? = Some(Inserted::new(card.clone(), stream)?);
        Ok(())
    }

    fn wait_until_seen(&mut self, reader: usize, timeout: Duration) -> io::Result<()> {
        let inserted = self.reader(reader)?.as_ref();
        match inserted.is_some_and(|inserted| inserted.wait_until_ready(timeout)) {
            true => Ok(()),
            false => Err(io::Error::new(io::ErrorKind::TimedOut, "pcscd does not see the card")),
        }
    }

    /// Pulls the card out of a reader, if there is one. A running command ends, and pcscd notices it within 0.4 s.
    ///
    /// # Errors
    ///
    /// There is no such reader.
    pub fn remove(&mut self, reader: usize) -> io::Result<()> {
        *self.reader(reader)? = None;
        Ok(())
    }

    /// Stops pcscd with SIGTERM, like a service manager; pcscd removes its socket.
    ///
    /// # Errors
    ///
    /// Waiting fails.
    pub fn stop(&mut self) -> io::Result<()> {
        self.process.take().map_or(Ok(()), Process::terminate)
    }

    /// Kills pcscd with SIGKILL, like a crash; the file of its socket stays.
    ///
    /// # Errors
    ///
    /// Waiting fails.
    pub fn kill(&mut self) -> io::Result<()> {
        self.process.take().map_or(Ok(()), Process::kill)
    }

    /// Starts or restarts pcscd with the same socket path, readers and cards.
    ///
    /// For a card this is a new insertion, like a loss of power.
    ///
    /// # Errors
    ///
    /// pcscd does not start, or does not see the inserted cards.
    pub fn restart(&mut self) -> io::Result<()> {
        self.stop()?;
        self.process = Some(Process::start(self.directory.path(), PCSCD_TIMEOUT)?);
        for reader in 0..self.readers.len() {
            if let Some(inserted) = self.reader(reader)?.take() {
                let card = inserted.card().clone();
                drop(inserted);
                self.insert(reader, &card)?;
            }
        }
        Ok(())
    }

    fn reader(&mut self, reader: usize) -> io::Result<&mut Option<Inserted>> {
        self.readers.get_mut(reader).ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no such reader"))
    }
}
