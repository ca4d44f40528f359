//! Descriptors of every kind that a program may pass.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{Write, pipe};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Mutex;
use std::time::Duration;

use rustix::net::sockopt::set_socket_linger;
use rustix::net::{SendFlags, send};
use rustix::pty::{OpenptFlags, openpt};
use testkit::client::memfd;
use zbus::Fd;

use super::dice::Dice;

/// The number of other ends that stay open, so that reading a descriptor does not end at once.
const MAX_OTHER_ENDS: usize = 64;

/// The variable with the path of a file of a user-space file system.
pub(crate) const HANGING: &str = "OATHBRIDGE_HANGING";

static OTHER_ENDS: Mutex<VecDeque<OwnedFd>> = Mutex::new(VecDeque::new());

/// Mostly a file in memory, so that the code behind the reading is reached.
pub(crate) fn random(dice: &mut Dice) -> Fd<'static> {
    Fd::from(match dice.roll(60) {
        0 => pipe().unwrap().1.into(),
        1 => pipe().unwrap().0.into(),
        2 => waiting_pipe(),
        3 => waiting_socket(false),
        4 => waiting_socket(true),
        5 => lingering(),
        6 => File::open("/proc/self/comm").unwrap().into(),
        7 => File::open("/").unwrap().into(),
        8 => openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap(),
        9 => File::open("/dev/zero").unwrap().into(),
        10 => memfd(&[b'x'; 100_000]).unwrap(),
        11 => listening(),
        12 => hanging().unwrap_or_else(waiting_pipe),
        _ => memfd(dice.text().as_bytes()).unwrap(),
    })
}

/// The reading end of a pipe whose writer writes nothing and stays.
fn waiting_pipe() -> OwnedFd {
    let (reader, writer) = pipe().unwrap();
    keep(writer.into());
    reader.into()
}

/// A socket whose peer stays; with data out of band it is ready, and has nothing to read.
fn waiting_socket(is_ready: bool) -> OwnedFd {
    let (socket, peer) = UnixStream::pair().unwrap();
    if is_ready {
        send(&peer, b"!", SendFlags::OOB).unwrap();
    }
    keep(peer.into());
    socket.into()
}

/// A socket that a close would wait for during two minutes, because its peer reads nothing.
fn lingering() -> OwnedFd {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let socket = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    keep(listener.accept().unwrap().0.into());
    socket.set_nonblocking(true).unwrap();
    while (&socket).write(&[0; 65_536]).is_ok() {}
    set_socket_linger(&socket, Some(Duration::from_secs(120))).unwrap();
    socket.into()
}

fn listening() -> OwnedFd {
    let directory = tempfile::tempdir().unwrap();
    UnixListener::bind(directory.path().join("socket")).unwrap().into()
}

/// A file that hangs when the daemon closes it, if the test could mount one.
fn hanging() -> Option<OwnedFd> {
    Some(File::open(std::env::var_os(HANGING)?).unwrap().into())
}

/// Keeps an end open until many more are kept.
fn keep(end: OwnedFd) {
    let mut ends = OTHER_ENDS.lock().unwrap();
    ends.push_back(end);
    if ends.len() > MAX_OTHER_ENDS {
        ends.pop_front();
    }
}
