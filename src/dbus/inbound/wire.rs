//! The other end of the socket, for tests.

use std::io::{IoSlice, Write};
use std::mem::MaybeUninit;
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::Duration;

use rustix::net::sockopt::set_socket_linger;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use zbus::Fd;
use zbus::message::Message;

use super::socket::{self, Half};

/// The time for which a socket lingers, which only a failure reaches.
pub(super) const LINGER: Duration = Duration::from_secs(60);

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
    send_descriptor(bus, bus.as_fd(), path, sender, body);
}

/// The same with this descriptor.
pub(super) fn send_descriptor(bus: &UnixStream, fd: BorrowedFd<'_>, path: &str, sender: &str, body: usize) {
    let call = Message::method_call(path, "Ping").sender(sender);
    let call = call.build(&(Fd::from(fd), "x".repeat(body))).unwrap();
    send_bytes_with_descriptor(bus, call.data().bytes(), fd);
}

/// Sends these bytes, the first one of them with a descriptor.
pub(super) fn send_bytes_with_descriptor(socket: &UnixStream, bytes: &[u8], fd: BorrowedFd<'_>) {
    let descriptors = [fd];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    assert!(ancillary.push(SendAncillaryMessage::ScmRights(&descriptors)));
    let sent = sendmsg(socket, &[IoSlice::new(bytes)], &mut ancillary, SendFlags::empty()).unwrap();
    assert_eq!(sent, bytes.len());
}

/// A socket that a close would wait for, and its peer, which reads nothing.
pub(super) fn lingering() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let socket = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (peer, _) = listener.accept().unwrap();
    socket.set_nonblocking(true).unwrap();
    while (&socket).write(&[0; 65_536]).is_ok() {}
    set_socket_linger(&socket, Some(LINGER)).unwrap();
    (socket, peer)
}
