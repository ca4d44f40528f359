//! A pcscd of one's own, with virtual readers, next to whatever runs on the machine.
//!
//! pcscd's socket path is compiled in, so it runs in a mount namespace where that path is a private
//! directory; clients find it with the environment variable `PCSCLITE_CSOCK_NAME`. And vpcd, the virtual
//! reader, listens on all interfaces, so it runs in a network namespace that has only a loopback.
//!
//! Needs the Debian packages pcscd, vsmartcard-vpcd, util-linux, mount, iproute2 and bash; works as root and,
//! where user namespaces are allowed, as any user.

mod inserted;
mod namespace;
mod process;

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use oathbridge::virt::Card;
use tempfile::TempDir;

use self::inserted::Inserted;
use self::process::Process;

/// How long pcscd may take to start, and to see a card: it looks for cards every 0.4 s.
const PATIENCE: Duration = Duration::from_secs(20);

/// A private pcscd; it ends when dropped.
#[derive(Debug)]
pub struct PrivatePcscd {
    readers: Vec<Option<Inserted>>,
    process: Option<Process>,
    directory: TempDir,
}

impl PrivatePcscd {
    /// The name that pcscd gives to its first reader, with two numbers after it; yubikey-manager looks for it.
    /// The others have a serial number in between, as `… (0001) 00 00`.
    pub const READER_NAME: &str = "Yubico YubiKey OTP+FIDO+CCID";

    /// Starts pcscd with `readers` readers, 0 to 8, all empty.
    ///
    /// vpcd's driver makes two slots of each reader, so pcscd shows twice as many; the second ones (`… 00 01`)
    /// are counted behind all first ones.
    ///
    /// # Errors
    ///
    /// When pcscd or the vpcd driver is missing, namespaces are not allowed, or pcscd doesn't come up.
    pub fn start(readers: usize) -> io::Result<Self> {
        let directory = tempfile::Builder::new().prefix("testkit-pcscd-").tempdir()?;
        process::configure(directory.path(), Self::READER_NAME, readers)?;
        let readers = std::iter::repeat_with(|| None).take(2 * readers).collect();
        let mut pcscd = Self { readers, process: None, directory };
        pcscd.restart()?;
        Ok(pcscd)
    }

    /// What `PCSCLITE_CSOCK_NAME` has to be for clients; it stays the same after a restart.
    pub fn socket(&self) -> PathBuf {
        process::socket(self.directory.path())
    }

    /// Puts a card into a reader, counted from 0, and waits until pcscd has powered it. A card that was in
    /// the reader is pulled out; a card that was pulled out by itself ([`Card::unplug`]) is put in anew.
    ///
    /// # Errors
    ///
    /// No such reader, pcscd doesn't run, or it doesn't see the card.
    pub fn insert(&mut self, reader: usize, card: &Card) -> io::Result<()> {
        self.push(reader, card)?;
        self.wait_until_seen(reader)
    }

    /// As [`PrivatePcscd::insert`], a card into each reader from the first one on; pcscd sees them at the same time.
    ///
    /// # Errors
    ///
    /// As [`PrivatePcscd::insert`].
    pub fn insert_all(&mut self, cards: &[Card]) -> io::Result<()> {
        for (reader, card) in cards.iter().enumerate() {
            self.push(reader, card)?;
        }
        (0..cards.len()).try_for_each(|reader| self.wait_until_seen(reader))
    }

    /// Its process id, if it runs.
    pub fn id(&self) -> Option<u32> {
        self.process.as_ref().map(Process::id)
    }

    fn push(&mut self, reader: usize, card: &Card) -> io::Result<()> {
        self.remove(reader)?;
        let process = self.process.as_ref().ok_or_else(|| io::Error::other("pcscd doesn't run"))?;
        let slots = self.readers.len() / 2;
        let stream = process.connect(reader % slots, reader / slots)?;
        *self.reader(reader)? = Some(Inserted::new(card.clone(), stream)?);
        Ok(())
    }

    fn wait_until_seen(&mut self, reader: usize) -> io::Result<()> {
        let inserted = self.reader(reader)?.as_ref();
        match inserted.is_some_and(|inserted| inserted.wait_until_ready(PATIENCE)) {
            true => Ok(()),
            false => Err(io::Error::new(io::ErrorKind::TimedOut, "pcscd doesn't see the card")),
        }
    }

    /// Pulls the card out of a reader, if there is one: a running command ends, and pcscd sees it within 0.4 s.
    ///
    /// # Errors
    ///
    /// No such reader.
    pub fn remove(&mut self, reader: usize) -> io::Result<()> {
        *self.reader(reader)? = None;
        Ok(())
    }

    /// Ends pcscd as a service manager would (SIGTERM); it removes its socket.
    ///
    /// # Errors
    ///
    /// When it can't be waited for.
    pub fn stop(&mut self) -> io::Result<()> {
        self.process.take().map_or(Ok(()), Process::terminate)
    }

    /// Ends pcscd as a crash would (SIGKILL); its socket stays as a dead file.
    ///
    /// # Errors
    ///
    /// When it can't be waited for.
    pub fn kill(&mut self) -> io::Result<()> {
        self.process.take().map_or(Ok(()), Process::kill)
    }

    /// Starts pcscd, again if it runs, under the same socket path and with the same readers and cards.
    ///
    /// A card notices it as a new insertion, as when its power goes.
    ///
    /// # Errors
    ///
    /// When it doesn't come up, or doesn't see the cards that were in.
    pub fn restart(&mut self) -> io::Result<()> {
        self.stop()?;
        self.process = Some(Process::start(self.directory.path(), PATIENCE)?);
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
