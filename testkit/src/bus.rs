//! A D-Bus message bus of one's own.
//!
//! Needs the Debian package dbus-daemon.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, ChildStdout, Command, Stdio};

use tempfile::TempDir;

/// A private session bus; it ends when dropped.
#[derive(Debug)]
pub struct PrivateBus {
    child: Child,
    address: String,
    /// Kept open, so that the daemon can always write to it.
    _stdout: ChildStdout,
    directory: TempDir,
}

impl PrivateBus {
    /// Starts a bus and waits until it listens.
    ///
    /// It has the session bus's rules, which allow all things to its own user, and its limits, and starts no services.
    ///
    /// # Errors
    ///
    /// When dbus-daemon is missing or doesn't come up.
    pub fn start() -> io::Result<Self> {
        Self::start_with("")
    }

    /// As [`PrivateBus::start`], and users of all kinds may join.
    ///
    /// # Errors
    ///
    /// As [`PrivateBus::start`].
    pub fn start_for_everybody() -> io::Result<Self> {
        let bus = Self::start_with("<allow user=\"*\"/>")?;
        for path in [bus.directory.path().to_owned(), bus.directory.path().join("bus")] {
            fs::set_permissions(path, fs::Permissions::from_mode(0o777))?;
        }
        Ok(bus)
    }

    fn start_with(policy: &str) -> io::Result<Self> {
        let directory = tempfile::Builder::new().prefix("testkit-bus-").tempdir()?;
        let configuration = directory.path().join("bus.conf");
        fs::write(&configuration, rules(&directory.path().join("bus").display().to_string(), policy))?;
        // Not on the test's standard error: as root it complains there about limits, and works.
        let log = directory.path().join("bus.log");
        let mut child = Command::new("dbus-daemon")
            .arg(format!("--config-file={}", configuration.display()))
            .args(["--nofork", "--nopidfile", "--print-address=1"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(&log)?)
            .spawn()
            .map_err(|error| io::Error::new(error.kind(), format!("dbus-daemon: {error}")))?;
        let stdout = child.stdout.take().ok_or_else(|| io::Error::other("no standard output"))?;
        let mut reader = BufReader::new(stdout);
        let mut address = String::new();
        let read = reader.read_line(&mut address);
        let address = address.trim_end().to_owned();
        let bus = Self { child, address, _stdout: reader.into_inner(), directory };
        read?;
        if bus.address.is_empty() {
            let log = fs::read_to_string(log).unwrap_or_default();
            return Err(io::Error::other(format!("dbus-daemon doesn't come up: {log}")));
        }
        Ok(bus)
    }

    /// The bus's address, as `DBUS_SESSION_BUS_ADDRESS` wants it.
    pub fn address(&self) -> &str {
        &self.address
    }
}

impl Drop for PrivateBus {
    fn drop(&mut self) {
        // It may have ended already; then both do nothing.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Those of a session bus (`/usr/share/dbus-1/session.conf`): the built-in ones let nobody send a flood.
const LIMITS: &str = r#"<limit name="max_incoming_bytes">1000000000</limit>
  <limit name="max_incoming_unix_fds">250000000</limit>
  <limit name="max_outgoing_bytes">1000000000</limit>
  <limit name="max_outgoing_unix_fds">250000000</limit>
  <limit name="max_message_size">1000000000</limit>
  <limit name="max_completed_connections">100000</limit>
  <limit name="max_connections_per_user">100000</limit>
  <limit name="max_names_per_connection">50000</limit>
  <limit name="max_match_rules_per_connection">50000</limit>
  <limit name="max_replies_per_connection">50000</limit>"#;

fn rules(socket: &str, policy: &str) -> String {
    format!(
        r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
    {policy}
  </policy>
  {LIMITS}
</busconfig>
"#
    )
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
