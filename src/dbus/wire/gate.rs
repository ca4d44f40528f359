//! What comes in: calls to objects that aren't there are kept back, if they could be there in a moment, and messages
//! that are too long are refused.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::mpsc;
use zbus::DBusError;
use zbus::connection::socket::ReadHalf;
use zbus::export::async_trait::async_trait;
use zbus::message::{Message, Type};

use super::super::{Error, names};
use super::socket::Half;

/// What the gate goes by; clones are the same.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Shown {
    /// The paths of the credentials that the object tree shows.
    paths: Arc<RwLock<BTreeSet<String>>>,
    /// The longest message that is served, in bytes.
    longest: Arc<AtomicUsize>,
}

/// What the gate kept back.
#[derive(Debug)]
pub(in super::super) enum Diverted {
    /// A call to an object that may be there in a moment.
    Call(Message),
    /// The reply to a call that is not served.
    Refusal(Message),
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

    /// No longer message is served, in KiB.
    pub(in super::super) fn set_longest(&self, kib: u32) {
        self.longest
            .store(usize::try_from(kib).unwrap_or(usize::MAX).saturating_mul(1024), Ordering::Relaxed);
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
    diverted: mpsc::UnboundedSender<Diverted>,
}

impl Reader {
    pub(super) fn new(socket: Half, shown: Shown, diverted: mpsc::UnboundedSender<Diverted>) -> Self {
        Self { socket, shown, diverted }
    }

    /// What is to be done with a message instead of delivering it.
    fn divert(&self, message: &Message) -> Option<Diverted> {
        if message.message_type() != Type::MethodCall {
            return None;
        }
        let header = message.header();
        if message.data().len() > self.shown.longest.load(Ordering::Relaxed) {
            return Error::too_long().create_reply(&header).ok().map(Diverted::Refusal);
        }
        let is_absent = header.member()?.as_str() == "Calculate"
            && header.interface()?.as_str() == names::CREDENTIAL
            && names::credential_id(header.path()?).is_some()
            && !self.shown.contains(header.path()?);
        is_absent.then(|| Diverted::Call(message.clone()))
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
            let Some(diverted) = self.divert(&message) else { return Ok(message) };
            // An error means that the daemon is ending.
            let _ = self.diverted.send(diverted);
        }
    }

    async fn recvmsg(&mut self, buffer: &mut [u8]) -> io::Result<(usize, Vec<OwnedFd>)> {
        ReadHalf::recvmsg(&mut self.socket, buffer).await
    }

    fn can_pass_unix_fd(&self) -> bool {
        true
    }
}
