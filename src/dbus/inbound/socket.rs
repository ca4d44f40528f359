//! The socket to the bus, with file descriptors. It replaces that of zbus, so that messages can be inspected before zbus
//! reads them and after it has sent them.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixStream as StdStream};
use std::sync::Arc;

use async_trait::async_trait;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recv, recvmsg, sendmsg,
};
use tokio::io::Interest;
use tokio::net::UnixStream;
use zbus::address::{Address, Transport, transport::UnixSocket};
use zbus::connection::socket::{ReadHalf, WriteHalf};

use super::interrupted;

/// The maximum number of descriptors in one message (SCM_MAX_FD, unix(7)).
const MAX_FDS_PER_MESSAGE: usize = 253;

/// One half of a connected stream.
#[derive(Clone, Debug)]
pub(super) struct Half(Arc<UnixStream>);

/// Connects to a bus at a Unix socket; `None` for other addresses.
pub(super) fn connect(address: &Address) -> Option<io::Result<(Half, Half)>> {
    let Transport::Unix(unix) = address.transport() else { return None };
    let connected = match unix.path() {
        UnixSocket::File(path) => StdStream::connect(path),
        UnixSocket::Abstract(name) => SocketAddr::from_abstract_name(name.as_encoded_bytes())
            .and_then(|name| StdStream::connect_addr(&name)),
        _ => return None,
    };
    Some(connected.and_then(|stream| {
        stream.set_nonblocking(true)?;
        let stream = Arc::new(UnixStream::from_std(stream)?);
        Ok((Half(Arc::clone(&stream)), Half(stream)))
    }))
}

/// What one call of recvmsg(2) has received.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) count: usize,
    pub(super) fds: Vec<OwnedFd>,
    /// Whether descriptors were lost (`MSG_CTRUNC`): this process had none free, or no room for them was given.
    pub(super) is_cut: bool,
}

impl Half {
    /// Receives at most as many bytes as the buffer has; it is cancellation-safe.
    pub(super) async fn receive(&self, buffer: &mut [u8]) -> io::Result<Received> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS_PER_MESSAGE))];
        self.0.async_io(Interest::READABLE, || receive(&self.0, buffer, &mut space)).await
    }

    /// The next bytes, at most as many as the buffer has, which stay in the socket; it is cancellation-safe.
    pub(super) async fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let peek = || Ok(recv(self.0.as_fd(), &mut *buffer, RecvFlags::PEEK)?.0);
        self.0.async_io(Interest::READABLE, peek).await
    }

    /// Receives bytes that have been peeked at, without their descriptors.
    ///
    /// The kernel then drops the descriptors, before the call returns. That may wait for a file system that releases
    /// files synchronously, such as NFS. It does not wait for the `FUSE_FLUSH` of fuse(4), which only close(2) sends. A
    /// socket that lingers waits until a signal is pending. So a thread of its own waits, and gets signals.
    pub(super) async fn receive_bare(&self, mut buffer: Vec<u8>) -> io::Result<(Vec<u8>, Received)> {
        let stream = Arc::clone(&self.0);
        interrupted::run(move || receive(&stream, &mut buffer, &mut []).map(|received| (buffer, received)))
            .await?
    }
}

#[async_trait]
impl ReadHalf for Half {
    async fn recvmsg(&mut self, buffer: &mut [u8]) -> io::Result<(usize, Vec<OwnedFd>)> {
        self.receive(buffer).await.map(|received| (received.count, received.fds))
    }

    fn can_pass_unix_fd(&self) -> bool {
        true
    }
}

#[async_trait]
impl WriteHalf for Half {
    async fn sendmsg(&mut self, buffer: &[u8], fds: &[BorrowedFd<'_>]) -> io::Result<usize> {
        self.0.async_io(Interest::WRITABLE, || send(&self.0, buffer, fds)).await
    }

    async fn close(&mut self) -> io::Result<()> {
        Ok(rustix::net::shutdown(&*self.0, rustix::net::Shutdown::Both)?)
    }

    fn can_pass_unix_fd(&self) -> bool {
        true
    }
}

fn receive(stream: &UnixStream, buffer: &mut [u8], space: &mut [MaybeUninit<u8>]) -> io::Result<Received> {
    let mut ancillary = RecvAncillaryBuffer::new(space);
    let mut slices = [IoSliceMut::new(buffer)];
    let received = recvmsg(stream.as_fd(), &mut slices, &mut ancillary, RecvFlags::CMSG_CLOEXEC)?;
    let fds = ancillary.drain().flat_map(|message| match message {
        RecvAncillaryMessage::ScmRights(fds) => fds.collect(),
        _ => Vec::new(),
    });
    let fds = fds.collect();
    Ok(Received { count: received.bytes, fds, is_cut: received.flags.contains(ReturnFlags::CTRUNC) })
}

fn send(stream: &UnixStream, buffer: &[u8], fds: &[BorrowedFd<'_>]) -> io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS_PER_MESSAGE))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() && !ancillary.push(SendAncillaryMessage::ScmRights(fds)) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let slices = [IoSlice::new(buffer)];
    Ok(sendmsg(stream.as_fd(), &slices, &mut ancillary, SendFlags::NOSIGNAL)?)
}
