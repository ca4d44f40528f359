//! Descriptors of the kinds that a program may pass over the bus.
//!
//! Sockets that linger are not among them, because the bus itself may wait for them. The modules `closers` and `inbound` of
//! `src/dbus` test them on connections without a bus.

use std::collections::VecDeque;
use std::fs::File;
use std::io::pipe;
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Mutex;

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
    Fd::from(match dice.roll(59) {
        0 => pipe().unwrap().1.into(),
        1 => pipe().unwrap().0.into(),
        2 => waiting_pipe(),
        3 => waiting_socket(false),
        4 => waiting_socket(true),
        5 => File::open("/proc/self/comm").unwrap().into(),
        6 => File::open("/").unwrap().into(),
        7 => openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap(),
        8 => File::open("/dev/zero").unwrap().into(),
        9 => memfd(&[b'x'; 100_000]).unwrap(),
        10 => listening(),
        11 => hanging().unwrap_or_else(waiting_pipe),
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
