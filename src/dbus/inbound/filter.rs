//! The inbound filter: it diverts calls to absent objects that may appear in a moment, and refuses messages that are too
//! long or too many before they are handled.

use std::io;
use std::mem::take;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::mpsc;
use zbus::DBusError;
use zbus::connection::socket::ReadHalf;
use zbus::message::{Flags, Header, Message, Type};

use super::length::{self, Begun, Length};
use super::socket::Half;
use crate::access::CallClass;
use crate::dbus::bridge::Bridge;
use crate::dbus::error::Error;
use crate::dbus::{methods, names};

/// A message that the inbound filter diverted.
#[derive(Debug)]
pub(in crate::dbus) enum Diverted {
    /// A call to an object that may appear in a moment.
    Call(Message),
    /// The reply to a call that is not served.
    Refusal(Message),
}

/// Reads messages, and diverts some of them.
#[derive(Debug)]
pub(super) struct Reader {
    socket: Half,
    bridge: Arc<Bridge>,
    /// Released queries.
    released: mpsc::UnboundedReceiver<Message>,
    diverted: mpsc::Sender<Diverted>,
}

/// The decision about a message.
enum Verdict {
    Deliver,
    Divert(Diverted),
    /// Drop it: it needs no reply, or it waits.
    Drop,
}

impl Reader {
    pub(super) fn new(
        socket: Half,
        bridge: Arc<Bridge>,
        released: mpsc::UnboundedReceiver<Message>,
        diverted: mpsc::Sender<Diverted>,
    ) -> Self {
        Self { socket, bridge, released, diverted }
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

    /// Whether a call is delivered now. Calls over the limits are refused here, so that a flood does not affect other callers.
    fn admit(&self, message: &Message, header: &Header<'_>) -> Result<bool, Error> {
        let Some(sender) = header.sender() else { return Ok(true) };
        let wants_reply = !header.primary().flags().contains(Flags::NO_REPLY_EXPECTED);
        let clients = &self.bridge.clients;
        let Some(method) = methods::of(header) else {
            // zbus answers queries by itself. A query without a reply has no effect.
            if !wants_reply {
                return Ok(false);
            }
            let client = clients.client(sender);
            clients.limits.arrive(client.counts(), CallClass::Query)?;
            return Ok(clients.admit_query(&client, message)?);
        };
        // Calls of our methods are counted at their start.
        clients.limits.arrive(clients.client(sender).counts(), method.class)?;
        Ok(true)
    }

    fn is_absent(&self, header: &Header<'_>) -> bool {
        methods::of(header).is_some_and(|method| method.may_name_absent_object)
            && header.path().is_some_and(|path| {
                names::credential_id(path).is_some() && !self.bridge.published.paths().contains(path)
            })
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
            let mut begun = Begun::new(take(already_received_bytes), take(already_received_fds));
            if begun.bytes.is_empty() {
                tokio::select! {
                    // New messages come first, so that in a flood only the clients with many queries wait.
                    biased;
                    first = length::first(&mut self.socket) => begun = first?,
                    Some(query) = self.released.recv() => return Ok(query),
                }
            }
            let longest = self.bridge.clients.limits.longest_message();
            let length = length::begin(&mut self.socket, &mut begun, longest).await?;
            let message = match length {
                Length::Hopeless => None,
                _ => Some(begun.finish(&mut self.socket, seq).await?),
            };
            // Following messages may already be read.
            (*already_received_bytes, *already_received_fds) = (begun.bytes, begun.fds);
            let Some(message) = message else {
                tracing::debug!("dropped a message whose header alone is too long");
                continue;
            };
            match self.judge(&message, &length) {
                Verdict::Deliver => return Ok(message),
                // If refusals cannot be sent, nothing more is read: a flood waits in the bus, not here. An error means
                // that the daemon is ending.
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
