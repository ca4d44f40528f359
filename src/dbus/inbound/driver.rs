//! The connection for questions to the bus: it hears the bus itself and nobody else.

use std::io;
use std::mem::take;
use std::os::fd::OwnedFd;

use async_trait::async_trait;
use zbus::connection::socket::ReadHalf;
use zbus::message::Message;

use super::intake;
use super::length::{Begun, Length};
use super::socket::Half;
use crate::dbus::descriptors::Closers;
use crate::dbus::names;

/// The maximum length of an answer of the bus, in bytes.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// Reads the messages of the bus, and drops those of programs, which may send some to any connection.
#[derive(Debug)]
pub(super) struct DriverReader {
    socket: Half,
    closers: Closers,
}

impl DriverReader {
    pub(super) fn new(socket: Half, closers: Closers) -> Self {
        Self { socket, closers }
    }
}

#[async_trait]
impl ReadHalf for DriverReader {
    async fn receive_message(
        &mut self,
        seq: u64,
        already_received_bytes: &mut Vec<u8>,
        already_received_fds: &mut Vec<OwnedFd>,
    ) -> zbus::Result<Message> {
        loop {
            let (bytes, fds) = (take(already_received_bytes), take(already_received_fds));
            let mut begun = Begun::new(bytes, fds, false);
            let received =
                intake::receive(&mut self.socket, &mut begun, MAX_ANSWER_BYTES, seq, &self.closers).await?;
            // Nothing is read ahead, except before the first message.
            (*already_received_bytes, *already_received_fds) = (begun.bytes, begun.fds);
            let Some(mut arrived) = received else { continue };
            let is_of_bus = arrived.message.header().sender().is_some_and(|name| name == names::DRIVER);
            match arrived.carried.is_none() {
                _ if !is_of_bus || arrived.length != Length::Fine => self.closers.room().await,
                true => return Ok(arrived.message),
                false => {
                    let fds = arrived.carried.take();
                    return arrived.with(&mut self.socket, fds).await;
                }
            }
        }
    }

    async fn recvmsg(&mut self, buffer: &mut [u8]) -> io::Result<(usize, Vec<OwnedFd>)> {
        ReadHalf::recvmsg(&mut self.socket, buffer).await
    }

    fn can_pass_unix_fd(&self) -> bool {
        true
    }
}
