//! What comes in: calls to objects that aren't there are kept back, if they could be there in a moment, and messages
//! that are too long or too many are refused, before anything is done for them.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::mpsc;
use zbus::DBusError;
use zbus::connection::socket::ReadHalf;
use zbus::export::async_trait::async_trait;
use zbus::message::{Header, Message, Type};

use super::super::{Error, names};
use super::socket::Half;
use crate::access::{Limits, What};
use crate::clock::Clock;
use crate::config;

/// What the gate goes by; clones are the same.
#[derive(Clone, Debug)]
pub(in super::super) struct Shown {
    /// The paths of the credentials that the object tree shows.
    paths: Arc<RwLock<BTreeSet<String>>>,
    limits: Arc<RwLock<config::Limits>>,
    counts: Limits,
    clock: Arc<dyn Clock>,
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
    /// Nothing is shown yet.
    pub(in super::super) fn new(limits: config::Limits, counts: Limits, clock: Arc<dyn Clock>) -> Self {
        Self { paths: Arc::default(), limits: Arc::new(RwLock::new(limits)), counts, clock }
    }

    /// From now on calls to this path go to its object.
    pub(in super::super) fn add(&self, path: &str) {
        self.paths.write().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned());
    }

    /// From now on there is no object at this path.
    pub(in super::super) fn remove(&self, path: &str) {
        self.paths.write().unwrap_or_else(PoisonError::into_inner).remove(path);
    }

    /// From now on these limits hold.
    pub(in super::super) fn set_limits(&self, limits: config::Limits) {
        *self.limits.write().unwrap_or_else(PoisonError::into_inner) = limits;
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
    diverted: mpsc::Sender<Diverted>,
}

impl Reader {
    pub(super) fn new(socket: Half, shown: Shown, diverted: mpsc::Sender<Diverted>) -> Self {
        Self { socket, shown, diverted }
    }

    /// What is to be done with a message instead of delivering it.
    fn divert(&self, message: &Message) -> Option<Diverted> {
        if message.message_type() != Type::MethodCall {
            return None;
        }
        let header = message.header();
        if let Some(error) = self.refusal(message, &header) {
            return error.create_reply(&header).ok().map(Diverted::Refusal);
        }
        let is_absent = header.member()?.as_str() == "Calculate"
            && header.interface()?.as_str() == names::CREDENTIAL
            && names::credential_id(header.path()?).is_some()
            && !self.shown.contains(header.path()?);
        is_absent.then(|| Diverted::Call(message.clone()))
    }

    /// What is over the limits goes no further: a flood shall cost nobody else anything.
    fn refusal(&self, message: &Message, header: &Header<'_>) -> Option<Error> {
        let limits = *self.shown.limits.read().unwrap_or_else(PoisonError::into_inner);
        let longest = usize::try_from(limits.message_kib).unwrap_or(usize::MAX).saturating_mul(1024);
        if message.data().len() > longest {
            return Some(Error::too_long());
        }
        let what = match (header.interface()?.as_str().strip_prefix(names::BUS)?, header.member()?.as_str()) {
            // Who has too much under way shall be able to cancel it.
            (".Operation", _) => return None,
            (".Credential", _) => What::Code,
            (".Cognito", _) => What::Submission,
            _ => What::Other,
        };
        let now = self.shown.clock.monotonic();
        self.shown.counts.refuses(&limits, header.sender()?.as_str(), what, now).map(Error::from)
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
            // When refusals don't get away, nothing more is read: a flood waits in the bus, not here. An error means
            // that the daemon is ending.
            let _ = self.diverted.send(diverted).await;
        }
    }

    async fn recvmsg(&mut self, buffer: &mut [u8]) -> io::Result<(usize, Vec<OwnedFd>)> {
        ReadHalf::recvmsg(&mut self.socket, buffer).await
    }

    fn can_pass_unix_fd(&self) -> bool {
        true
    }
}
