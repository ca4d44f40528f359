//! What comes in: calls to objects that aren't there are kept back, if they could be there in a moment.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::mpsc;
use zbus::connection::socket::ReadHalf;
use zbus::export::async_trait::async_trait;
use zbus::message::{Message, Type};

use super::super::names;
use super::socket::Half;

/// The paths of the credentials and tokens that the object tree shows; clones are the same set.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Shown {
    paths: Arc<RwLock<BTreeSet<String>>>,
}

impl Shown {
    /// From now on calls to this path go to its object.
    pub(in super::super) fn add(&self, path: &str) {
        self.paths.write().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned());
    }

    /// From now on there is no object at this path.
    pub(in super::super) fn remove(&self, path: &str) {
        self.paths.write().unwrap_or_else(PoisonError::into_inner).remove(path);
    }

    fn contains(&self, path: &str) -> bool {
        self.paths.read().unwrap_or_else(PoisonError::into_inner).contains(path)
    }
}

/// Reads messages, and keeps some back.
#[derive(Debug)]
pub(super) struct Reader {
    socket: Half,
    shown: Shown,
    diverted: mpsc::UnboundedSender<Message>,
}

impl Reader {
    pub(super) fn new(socket: Half, shown: Shown, diverted: mpsc::UnboundedSender<Message>) -> Self {
        Self { socket, shown, diverted }
    }

    /// A call for which somebody may have to plug in or unlock a token first.
    fn keeps_back(&self, message: &Message) -> bool {
        if message.message_type() != Type::MethodCall {
            return false;
        }
        let header = message.header();
        let (Some(path), Some(interface), Some(member)) =
            (header.path(), header.interface(), header.member())
        else {
            return false;
        };
        let waits = interface.as_str() == names::CREDENTIAL
            && member.as_str() == "Calculate"
            && names::credential_id(path).is_some();
        waits && !self.shown.contains(path.as_str())
    }
}

#[async_trait]
impl ReadHalf for Reader {
    async fn receive_message(
        &mut self,
        seq: u64,
        already_received_bytes: &mut Vec<u8>,
        already_received_fds: &mut Vec<OwnedFd>,
    ) -> zbus::Result<Message> {
        loop {
            let message =
                self.socket.receive_message(seq, already_received_bytes, already_received_fds).await?;
            if !self.keeps_back(&message) {
                return Ok(message);
            }
            // An error means that the daemon is ending.
            let _ = self.diverted.send(message);
        }
    }

    async fn recvmsg(&mut self, buffer: &mut [u8]) -> io::Result<(usize, Vec<OwnedFd>)> {
        ReadHalf::recvmsg(&mut self.socket, buffer).await
    }

    fn can_pass_unix_fd(&self) -> bool {
        true
    }
}
