//! dbus-daemon, the reference message bus.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

/// A running bus, stopped on drop.
#[derive(Debug)]
pub(super) struct Daemon {
    child: Child,
    /// Kept open, so that the daemon can always write to it.
    _stdout: ChildStdout,
}

impl Daemon {
    /// Starts a bus at this socket, with these rules in addition to those of a session bus.
    pub(super) fn start(socket: &Path, configuration: &Path, policy: &str, log: File) -> io::Result<Self> {
        fs::write(configuration, rules(&socket.display().to_string(), policy))?;
        let mut child = Command::new("dbus-daemon")
            .arg(format!("--config-file={}", configuration.display()))
            .args(["--nofork", "--nopidfile", "--print-address=1"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .map_err(|error| io::Error::new(error.kind(), format!("dbus-daemon: {error}")))?;
        let stdout = child.stdout.take().ok_or_else(|| io::Error::other("no standard output"))?;
        let mut reader = BufReader::new(stdout);
        let mut address = String::new();
        let read = reader.read_line(&mut address);
        let daemon = Self { child, _stdout: reader.into_inner() };
        if read? == 0 { Err(io::Error::other("dbus-daemon doesn't come up")) } else { Ok(daemon) }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // If the process has already ended, both calls do nothing.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The limits of a session bus (`/usr/share/dbus-1/session.conf`). The built-in limits are too low for a flood of calls.
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
