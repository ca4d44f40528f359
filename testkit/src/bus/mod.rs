//! A D-Bus message bus of one's own.
//!
//! Needs the Debian package dbus-daemon; or, where the environment variable `OATHBRIDGE_TEST_BUS` is `dbus-broker`, the
//! package of that name.

mod broker;
mod daemon;

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;

use broker::Broker;
use daemon::Daemon;

/// A private session bus; it ends when dropped.
#[derive(Debug)]
pub struct PrivateBus {
    /// Nothing while it is stopped.
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
    /// With these rules besides those of a session bus.
    Daemon(&'static str),
    Broker,
}

impl PrivateBus {
    /// Starts a bus and waits until it listens.
    ///
    /// It has the session bus's rules, which allow all things to its own user, and its limits, and starts no services.
    ///
    /// # Errors
    ///
    /// When its program is missing or doesn't come up; the error has its log.
    pub fn start() -> io::Result<Self> {
        match std::env::var("OATHBRIDGE_TEST_BUS").as_deref() {
            Err(_) | Ok("" | "dbus-daemon") => Self::start_kind(Kind::Daemon("")),
            Ok("dbus-broker") => Self::start_kind(Kind::Broker),
            Ok(other) => {
                Err(io::Error::new(io::ErrorKind::InvalidInput, format!("no bus is called {other}")))
            }
        }
    }

    /// As [`PrivateBus::start`], and users of all kinds may join; always dbus-daemon.
    ///
    /// # Errors
    ///
    /// As [`PrivateBus::start`].
    pub fn start_for_everybody() -> io::Result<Self> {
        let bus = Self::start_kind(Kind::Daemon("<allow user=\"*\"/>"))?;
        for path in [bus.directory.path().to_owned(), bus.directory.path().join("bus")] {
            fs::set_permissions(path, fs::Permissions::from_mode(0o777))?;
        }
        Ok(bus)
    }

    fn start_kind(kind: Kind) -> io::Result<Self> {
        let directory = tempfile::Builder::new().prefix("testkit-bus-").tempdir()?;
        let address = format!("unix:path={}", directory.path().join("bus").display());
        let mut bus = Self { bus: None, kind, address, directory };
        bus.start_again()?;
        Ok(bus)
    }

    /// Ends it for now: all connections are lost, and there is no socket.
    ///
    /// # Errors
    ///
    /// When its socket can't be removed.
    pub fn stop(&mut self) -> io::Result<()> {
        self.bus = None;
        fs::remove_file(self.directory.path().join("bus"))
    }

    /// Starts it anew at the same address, after [`PrivateBus::stop`].
    ///
    /// # Errors
    ///
    /// As [`PrivateBus::start`].
    pub fn start_again(&mut self) -> io::Result<()> {
        // Not on the test's standard error: as root dbus-daemon complains there about limits, and works.
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

    /// The bus's address, as `DBUS_SESSION_BUS_ADDRESS` wants it.
    pub fn address(&self) -> &str {
        &self.address
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn it_listens_and_ends() {
        let bus = PrivateBus::start().unwrap();
        let path = bus.address().strip_prefix("unix:path=").unwrap();
        let path = path.split(',').next().unwrap().to_owned();
        UnixStream::connect(&path).unwrap();
        drop(bus);
        assert!(UnixStream::connect(&path).is_err());
    }
}
