//! A private D-Bus message bus.
//!
//! Requires the Debian package dbus-daemon, or dbus-broker if the environment variable `OATHBRIDGE_TEST_BUS` is
//! `dbus-broker`.

mod broker;
mod daemon;

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;

use broker::Broker;
use daemon::Daemon;

/// The prefix of the directories of buses.
const PREFIX: &str = "testkit-bus-";

/// A private session bus, stopped on drop.
#[derive(Debug)]
pub struct PrivateBus {
    /// `None` while it is stopped.
    bus: Option<Bus>,
    kind: Kind,
    address: String,
    directory: TempDir,
}

#[derive(Debug)]
#[expect(dead_code, reason = "they are held until they are dropped")]
enum Bus {
    Daemon(Daemon),
    Broker(Broker),
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    /// The rules in addition to those of a session bus.
    Daemon(&'static str),
    Broker,
}

impl Kind {
    fn wanted() -> io::Result<Self> {
        match std::env::var("OATHBRIDGE_TEST_BUS").as_deref() {
            Err(_) | Ok("" | "dbus-daemon") => Ok(Self::Daemon("")),
            Ok("dbus-broker") => Ok(Self::Broker),
            Ok(other) => {
                Err(io::Error::new(io::ErrorKind::InvalidInput, format!("no bus is called {other}")))
            }
        }
    }
}

impl PrivateBus {
    /// Starts a bus and waits until it listens.
    ///
    /// It has the rules of the session bus, which allow everything to its own user, and its limits. It starts no services.
    ///
    /// # Errors
    ///
    /// Its program is missing or does not start; the error contains its log.
    pub fn start() -> io::Result<Self> {
        Self::start_in(tempfile::Builder::new().prefix(PREFIX).tempdir()?)
    }

    /// Like [`PrivateBus::start`], in this empty directory.
    ///
    /// # Errors
    ///
    /// Those of [`PrivateBus::start`].
    pub fn start_in(directory: TempDir) -> io::Result<Self> {
        Self::start_kind(Kind::wanted()?, directory)
    }

    /// Like [`PrivateBus::start`], but all users may connect. It is always dbus-daemon.
    ///
    /// # Errors
    ///
    /// Like [`PrivateBus::start`].
    pub fn start_for_all_users() -> io::Result<Self> {
        let directory = tempfile::Builder::new().prefix(PREFIX).tempdir()?;
        let bus = Self::start_kind(Kind::Daemon("<allow user=\"*\"/>"), directory)?;
        for path in [bus.directory.path().to_owned(), bus.directory.path().join("bus")] {
            fs::set_permissions(path, fs::Permissions::from_mode(0o777))?;
        }
        Ok(bus)
    }

    fn start_kind(kind: Kind, directory: TempDir) -> io::Result<Self> {
        let address = format!("unix:path={}", directory.path().join("bus").display());
        let mut bus = Self { bus: None, kind, address, directory };
        bus.start_again()?;
        Ok(bus)
    }

    /// Stops the bus: all connections are lost, and the socket is removed.
    ///
    /// # Errors
    ///
    /// The socket cannot be removed.
    pub fn stop(&mut self) -> io::Result<()> {
        self.bus = None;
        fs::remove_file(self.directory.path().join("bus"))
    }

    /// Starts the bus again at the same address, after [`PrivateBus::stop`].
    ///
    /// # Errors
    ///
    /// Like [`PrivateBus::start`].
    pub fn start_again(&mut self) -> io::Result<()> {
        // Logs to a file, because as root dbus-daemon prints harmless warnings about limits.
        let [socket, configuration, log] =
            ["bus", "bus.conf", "bus.log"].map(|name| self.directory.path().join(name));
        let output = File::create(&log)?;
        let started = match self.kind {
            Kind::Daemon(policy) => Daemon::start(&socket, &configuration, policy, output).map(Bus::Daemon),
            Kind::Broker => Broker::start(&socket, output).map(Bus::Broker),
        };
        self.bus = Some(started.map_err(|error| {
            let log = fs::read_to_string(log).unwrap_or_default();
            io::Error::new(error.kind(), format!("{error}: {log}"))
        })?);
        Ok(())
    }

    /// The address of the bus, for `DBUS_SESSION_BUS_ADDRESS`.
    pub fn address(&self) -> &str {
        &self.address
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn a_bus_listens_until_it_is_dropped() {
        let bus = PrivateBus::start().unwrap();
        let path = bus.address().strip_prefix("unix:path=").unwrap();
        let path = path.split(',').next().unwrap().to_owned();
        UnixStream::connect(&path).unwrap();
        drop(bus);
        assert!(UnixStream::connect(&path).is_err());
    }
}
