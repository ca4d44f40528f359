//! The other end of the socket, for tests.

use std::io::{IoSlice, Write};
use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener, UnixStream};

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use zbus::Fd;
use zbus::message::Message;

use super::socket::{self, Half};

/// The bus, the daemon's end, and the folder of the socket.
pub(super) fn connected() -> (UnixStream, Half, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("bus");
    let listener = UnixListener::bind(&path).unwrap();
    let address = format!("unix:path={}", path.display());
    let (half, _) = socket::connect(&address.parse().unwrap()).unwrap().unwrap();
    (listener.accept().unwrap().0, half, directory)
}

/// Sends one message of a sender with a text of this many bytes.
pub(super) fn send(bus: &mut UnixStream, sender: &str, body: usize) {
    let call = Message::method_call("/a", "Ping").sender(sender);
    bus.write_all(call.build(&"x".repeat(body)).unwrap().data().bytes()).unwrap();
}

/// Sends one message with a descriptor, as the bus does.
pub(super) fn send_with_descriptor(bus: &UnixStream, sender: &str, body: usize) {
    send_to_path_with_descriptor(bus, "/fd", sender, body);
}

/// The same to another object.
pub(super) fn send_to_path_with_descriptor(bus: &UnixStream, path: &str, sender: &str, body: usize) {
    let call = Message::method_call(path, "Ping").sender(sender);
    let call = call.build(&(Fd::from(bus.as_fd()), "x".repeat(body))).unwrap();
    let bytes = call.data().bytes();
    let descriptors = [bus.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    assert!(ancillary.push(SendAncillaryMessage::ScmRights(&descriptors)));
    let sent = sendmsg(bus, &[IoSlice::new(bytes)], &mut ancillary, SendFlags::empty()).unwrap();
    assert_eq!(sent, bytes.len());
}
