//! dbus-broker, the message bus of Fedora and others. It is started without its usual launcher; this module is the
//! controller that passes a socket and a policy to it.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rustix::io::{FdFlags, fcntl_setfd};
use tokio::sync::oneshot;
use zbus::{Fd, ObjectPath, Variant, connection};

use crate::installed::program_of_package;

/// The timeout for the start of the bus.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// The limits of one user for bytes, descriptors, match rules and objects, higher than any test needs.
const LIMITS: [&str; 6] = [
    "--max-bytes=536870912",
    "--max-fds=4096",
    "--max-matches=131072",
    "--max-objects=131072",
    "--machine-id",
    "0123456789abcdef0123456789abcdef",
];

/// A policy record for messages: allowed, priority, name, path, interface, member, type, broadcast, and the range of
/// descriptors.
type Messages = (bool, u64, &'static str, &'static str, &'static str, &'static str, u32, u32, u64, u64);

/// The permissions of a subject: connect, own names (allowed, priority, by prefix, name), send, receive.
type Batch = (bool, u64, Vec<(bool, u64, bool, &'static str)>, Vec<Messages>, Vec<Messages>);

/// The policy: for users, for groups, for SELinux, for AppArmor, and the kind of bus.
type Policy =
    (Vec<(u32, Batch)>, Vec<(bool, u32, u32, Batch)>, Vec<(&'static str, &'static str)>, bool, &'static str);

/// A bus, stopped on drop.
#[derive(Debug)]
pub(super) struct Broker {
    child: Child,
    /// Dropping this ends the controller, and with it the bus.
    _stop: oneshot::Sender<()>,
}

impl Broker {
    /// Starts a bus at this socket.
    pub(super) fn start(socket: &Path, log: File) -> io::Result<Self> {
        let listener = UnixListener::bind(socket)?;
        // The bus accepts connections in a loop until there is none left.
        listener.set_nonblocking(true)?;
        let (ours, theirs) = UnixStream::pair()?;
        fcntl_setfd(&theirs, FdFlags::empty())?;
        let child = Command::new(program_of_package("/usr/bin/dbus-broker"))
            .args(["--controller", &theirs.as_raw_fd().to_string()])
            .args(LIMITS)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(|error| io::Error::new(error.kind(), format!("dbus-broker: {error}")))?;
        drop(theirs);
        let (stop, stopped) = oneshot::channel();
        let (ready, is_ready) = mpsc::channel();
        thread::Builder::new().name("bus controller".to_owned()).spawn(move || {
            // An error means that the receiver was dropped.
            let _ = ready.send(control(ours, listener.into(), stopped, &ready));
        })?;
        let broker = Self { child, _stop: stop };
        is_ready.recv_timeout(START_TIMEOUT).map_err(io::Error::other)??;
        Ok(broker)
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        // If the process has already ended, both calls do nothing.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Passes the socket to the bus, reports that, and stays connected, because the bus ends with its controller.
fn control(
    stream: UnixStream,
    listener: OwnedFd,
    stopped: oneshot::Receiver<()>,
    ready: &mpsc::Sender<io::Result<()>>,
) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let connection =
            connection::Builder::unix_stream(stream).p2p().build().await.map_err(io::Error::other)?;
        let path = ObjectPath::from_static_str("/org/bus1/DBus/Listener/0").map_err(io::Error::other)?;
        let arguments = (path, Fd::from(listener), Variant::from(policy()));
        let broker = ("/org/bus1/DBus/Broker", "org.bus1.DBus.Broker");
        let added = connection.call_method(None::<&str>, broker.0, Some(broker.1), "AddListener", &arguments);
        added.await.map_err(io::Error::other)?;
        // An error means that the receiver was dropped.
        let _ = ready.send(Ok(()));
        let _ = stopped.await;
        Ok(())
    })
}

/// As on a session bus, everything is allowed.
fn policy() -> Policy {
    let messages = || vec![(true, 1, "", "", "", "", 0, 0, 0, u64::MAX)];
    let everything = (true, 1, vec![(true, 1, true, "")], messages(), messages());
    (vec![(u32::MAX, everything)], Vec::new(), Vec::new(), false, "user")
}
