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
use zbus::message::{Flags, Header, Message, Type};

use super::super::{Error, names};
use super::length::{self, Begun, Length};
use super::queries::Queries;
use super::socket::Half;
use crate::access::{Limits, What};

/// The paths of the credentials that the object tree shows; clones are the same.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Paths(Arc<RwLock<BTreeSet<String>>>);

/// What the gate kept back.
#[derive(Debug)]
pub(in super::super) enum Diverted {
    /// A call to an object that may be there in a moment.
    Call(Message),
    /// The reply to a call that is not served.
    Refusal(Message),
}

impl Paths {
    /// From now on calls to this path go to its object.
    pub(in super::super) fn add(&self, path: &str) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned());
    }

    /// From now on there is no object at this path.
    pub(in super::super) fn remove(&self, path: &str) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(path);
    }

    fn contains(&self, path: &str) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).contains(path)
    }
}

/// Reads messages, and keeps some back.
#[derive(Debug)]
pub(super) struct Reader {
    socket: Half,
    paths: Paths,
    limits: Limits,
    queries: Queries,
    /// Queries that have waited.
    released: mpsc::UnboundedReceiver<Message>,
    diverted: mpsc::Sender<Diverted>,
}

/// What is to be done with a message.
enum Verdict {
    Deliver,
    Divert(Diverted),
    /// Nothing: nobody waits for an answer, or the message itself waits.
    Drop,
}

impl Reader {
    pub(super) fn new(
        socket: Half,
        paths: Paths,
        limits: Limits,
        (queries, released): (Queries, mpsc::UnboundedReceiver<Message>),
        diverted: mpsc::Sender<Diverted>,
    ) -> Self {
        Self { socket, paths, limits, queries, released, diverted }
    }

    fn judge(&self, message: &Message, length: &Length) -> Verdict {
        if message.message_type() != Type::MethodCall {
            return if *length == Length::Fine { Verdict::Deliver } else { Verdict::Drop };
        }
        let header = message.header();
        let admitted = match length {
            Length::Fine => self.admit(message, &header),
            _ => Err(Error::too_long()),
        };
        let wants_reply = !header.primary().flags().contains(Flags::NO_REPLY_EXPECTED);
        match admitted {
            Ok(true) if self.is_absent(&header) => Verdict::Divert(Diverted::Call(message.clone())),
            Ok(true) => Verdict::Deliver,
            Err(error) if wants_reply => match error.create_reply(&header) {
                Ok(reply) => Verdict::Divert(Diverted::Refusal(reply)),
                Err(_) => Verdict::Drop,
            },
            _ => Verdict::Drop,
        }
    }

    /// Whether a call is delivered now, if ever. What is over the limits goes no further: a flood shall cost nobody else
    /// anything.
    fn admit(&self, message: &Message, header: &Header<'_>) -> Result<bool, Error> {
        let Some(sender) = header.sender() else { return Ok(true) };
        let wants_reply = !header.primary().flags().contains(Flags::NO_REPLY_EXPECTED);
        let is_ours = own_interface(header).is_some();
        if !is_ours && !wants_reply {
            // Who asks for a property or for the tree, and wants no reply, wants nothing.
            return Ok(false);
        }
        self.limits.arrive(sender, what(header))?;
        // Methods of ours count themselves as they begin.
        Ok(is_ours || self.queries.admit(sender, message)?)
    }

    fn is_absent(&self, header: &Header<'_>) -> bool {
        own_interface(header) == Some(".Credential")
            && header.member().is_some_and(|member| member == "Calculate")
            && header
                .path()
                .is_some_and(|path| names::credential_id(path).is_some() && !self.paths.contains(path))
    }
}

/// What a call is, by its name alone.
fn what(header: &Header<'_>) -> What {
    match (own_interface(header), header.member().map(|member| member.as_str())) {
        (Some(".Credential"), _) => What::Code,
        (Some(".Cognito"), _) => What::Submission,
        (Some(".Token"), Some("Unlock")) => What::Unlock,
        (Some(".Manager"), Some("Reload")) => What::Reload,
        (Some(".Operation"), _) | (Some(".Token"), Some("Lock")) | (Some(".Manager"), Some("LockAll")) => {
            What::Secure
        }
        _ => What::Query,
    }
}

/// The last part of the name of an interface of ours.
fn own_interface<'a>(header: &'a Header<'_>) -> Option<&'a str> {
    header.interface()?.as_str().strip_prefix(names::BUS)
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
            let mut begun = Begun {
                bytes: std::mem::take(already_received_bytes),
                fds: std::mem::take(already_received_fds),
            };
            if begun.bytes.is_empty() {
                tokio::select! {
                    // What has just come goes first: in a flood, who has many queries waits, and nobody else.
                    biased;
                    first = length::first(&mut self.socket) => begun = first?,
                    Some(query) = self.released.recv() => return Ok(query),
                }
            }
            let length = length::begin(&mut self.socket, &mut begun, self.limits.longest_message()).await?;
            let Begun { bytes, fds } = &mut begun;
            let message = match length {
                Length::Hopeless => None,
                _ => Some(self.socket.receive_message(seq, bytes, fds).await?),
            };
            // The next message may have begun.
            (*already_received_bytes, *already_received_fds) = (begun.bytes, begun.fds);
            let Some(message) = message else {
                tracing::debug!("a message was dropped whose header alone is too long");
                continue;
            };
            match self.judge(&message, &length) {
                Verdict::Deliver => return Ok(message),
                // When refusals don't get away, nothing more is read: a flood waits in the bus, not here. An error
                // means that the daemon is ending.
                Verdict::Divert(diverted) => drop(self.diverted.send(diverted).await),
                Verdict::Drop => {}
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
