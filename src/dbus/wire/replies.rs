//! What goes out: who waits for a reply to have left is told.

use std::collections::HashMap;
use std::io;
use std::os::fd::BorrowedFd;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;
use zbus::connection::socket::WriteHalf;
use zbus::export::async_trait::async_trait;
use zbus::message::{Flags, Header, Message, Type};

use super::queries::Queries;
use super::socket::Half;

/// The replies that somebody waits for: by whom they go to and which call they answer.
#[derive(Debug, Default)]
pub(in super::super) struct Replies {
    awaited: Mutex<HashMap<(String, u32), oneshot::Sender<()>>>,
}

impl Replies {
    /// Ends when the reply to this call has left; at once if none is wanted.
    pub(in super::super) fn sent(&self, call: &Header<'_>) -> oneshot::Receiver<()> {
        let (sent, receiver) = oneshot::channel();
        if call.primary().flags().contains(Flags::NO_REPLY_EXPECTED) {
            return receiver;
        }
        let sender = call.sender().map_or_else(String::new, ToString::to_string);
        let key = (sender, call.primary().serial_num().get());
        self.awaited.lock().unwrap_or_else(PoisonError::into_inner).insert(key, sent);
        receiver
    }

    fn tell(&self, receiver: &str, serial: u32) {
        let key = (receiver.to_owned(), serial);
        let awaited = self.awaited.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
        if let Some(awaited) = awaited {
            // An error means that nobody waits any more.
            let _ = awaited.send(());
        }
    }
}

/// Writes messages, and tells when replies have left.
#[derive(Debug)]
pub(super) struct Writer {
    socket: Half,
    replies: Arc<Replies>,
    queries: Queries,
}

impl Writer {
    pub(super) fn new(socket: Half, replies: Arc<Replies>, queries: Queries) -> Self {
        Self { socket, replies, queries }
    }
}

#[async_trait]
impl WriteHalf for Writer {
    async fn send_message(&mut self, message: &Message) -> zbus::Result<()> {
        self.socket.send_message(message).await?;
        if matches!(message.message_type(), Type::MethodReturn | Type::Error) {
            let header = message.header();
            if let (Some(receiver), Some(serial)) = (header.destination(), header.reply_serial()) {
                self.queries.answered(receiver.as_str(), serial.get());
                self.replies.tell(receiver.as_str(), serial.get());
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
