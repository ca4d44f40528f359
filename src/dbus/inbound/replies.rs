//! The outgoing messages: reports when a reply was sent.

use std::io;
use std::os::fd::BorrowedFd;
use std::sync::Arc;

use async_trait::async_trait;
use zbus::connection::socket::WriteHalf;
use zbus::message::{Message, Type};

use super::socket::Half;
use crate::dbus::bridge::Bridge;

/// Writes messages, and reports sent replies.
#[derive(Debug)]
pub(super) struct Writer {
    socket: Half,
    bridge: Arc<Bridge>,
}

impl Writer {
    pub(super) fn new(socket: Half, bridge: Arc<Bridge>) -> Self {
        Self { socket, bridge }
    }
}

#[async_trait]
impl WriteHalf for Writer {
    async fn send_message(&mut self, message: &Message) -> zbus::Result<()> {
        self.socket.send_message(message).await?;
        if matches!(message.message_type(), Type::MethodReturn | Type::Error) {
            let header = message.header();
            if let (Some(receiver), Some(serial)) = (header.destination(), header.reply_serial()) {
                self.bridge.clients.replied(receiver.as_str(), serial.get());
            }
        }
        Ok(())
    }

    async fn sendmsg(&mut self, buffer: &[u8], fds: &[BorrowedFd<'_>]) -> io::Result<usize> {
        WriteHalf::sendmsg(&mut self.socket, buffer, fds).await
    }

    async fn close(&mut self) -> io::Result<()> {
        self.socket.close().await
    }

    fn can_pass_unix_fd(&self) -> bool {
        true
    }
}
