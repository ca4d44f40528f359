//! The inbound filter: it diverts calls to absent objects that may appear in a moment, and refuses messages that are too
//! long or too many before they are handled.

use std::io;
use std::mem::take;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::mpsc;
use zbus::connection::socket::ReadHalf;
use zbus::message::{Flags, Header, Message, Type};

use super::carried::{self, Carried};
use super::crowd;
use super::diverted::{Diverted, refusal};
use super::intake::{self, Arrived};
use super::length::{self, Begun, Length};
use super::newcomers::{Newcomers, Place};
use super::socket::Half;
use crate::access::{CallClass, Refusal};
use crate::dbus::bridge::Bridge;
use crate::dbus::client::Client;
use crate::dbus::error::Error;
use crate::dbus::{methods, names};

/// Reads messages, and diverts some of them.
#[derive(Debug)]
pub(super) struct Reader {
    socket: Half,
    bridge: Arc<Bridge>,
    /// Released queries.
    released: mpsc::UnboundedReceiver<Message>,
    diverted: mpsc::Sender<Diverted>,
    newcomers: Newcomers,
    /// Whether a message that is already read has lost descriptors.
    is_cut: bool,
}

/// The decision about a message.
enum Verdict {
    Deliver,
    /// Deliver it with these descriptors instead of its own.
    DeliverWith(Vec<OwnedFd>),
    Divert(Diverted),
    /// Drop it: it needs no reply, or it waits.
    Drop,
}

/// What comes next.
enum Next {
    /// The first bytes of a message.
    Begun(Begun),
    /// A released query.
    Query(Message),
    /// A client was identified.
    Identified,
}

impl Reader {
    pub(super) fn new(
        socket: Half,
        bridge: Arc<Bridge>,
        released: mpsc::UnboundedReceiver<Message>,
        diverted: mpsc::Sender<Diverted>,
    ) -> Self {
        Self { socket, bridge, released, diverted, newcomers: Newcomers::default(), is_cut: false }
    }

    /// Waits for what comes next.
    async fn next(&mut self) -> io::Result<Next> {
        let clients = &self.bridge.clients;
        let is_crowded = clients.closers.is_crowded();
        tokio::select! {
            // New messages come first, so that in a flood only the clients with many queries wait.
            biased;
            first = length::first(&self.socket), if !is_crowded => first.map(Next::Begun),
            peeked = crowd::peek(&self.socket), if is_crowded => {
                let peeked = peeked?;
                let first = crowd::first(&self.socket, &peeked, self.may_pass(&peeked)).await;
                first.map(Next::Begun)
            }
            Some(query) = self.released.recv() => Ok(Next::Query(query)),
            () = clients.identified.notified(), if !self.newcomers.is_empty() => Ok(Next::Identified),
        }
    }

    /// Reads the message that has begun. Its descriptors count for its sender, also if it is dropped.
    async fn receive(&mut self, begun: &mut Begun, seq: u64) -> zbus::Result<Option<Arrived>> {
        let sender = if begun.fds.is_empty() { None } else { carried::sender(&begun.bytes) };
        let payer = sender.map(|sender| self.payer(sender)).unwrap_or_default();
        let clients = &self.bridge.clients;
        let longest = clients.limits.longest_message();
        let received =
            intake::receive(&mut self.socket, begun, longest, seq, (&clients.closers, &payer)).await?;
        let Some(mut arrived) = received else {
            tracing::debug!("dropped a message whose header is too long or damaged");
            return Ok(None);
        };
        if !arrived.carried.held.is_empty() {
            let payer = arrived.message.header().sender().map(|sender| self.payer(sender));
            arrived.carried.charge(&payer.unwrap_or_default());
        }
        Ok(Some(arrived))
    }

    /// Delivers a message, keeps it until its client is identified, or does with it what else the verdict is.
    async fn take(&mut self, arrived: Arrived) -> zbus::Result<Option<Message>> {
        let Some((client, class)) = self.newcomer(&arrived) else { return self.pass(arrived).await };
        let waiting = self.newcomers.of(class);
        let reason = match waiting.place(&client, &arrived) {
            Place::Passes => return self.pass(arrived).await,
            Place::Refused => Refusal::Busy,
            Place::Waits => match self.bridge.clients.limits.arrive_early(client.counts(), class) {
                Ok(()) => {
                    waiting.keep(client, arrived);
                    return Ok(None);
                }
                Err(reason) => reason,
            },
        };
        if let Some(refusal) = refusal(&arrived.message.header(), &reason.into()) {
            // Like that of `pass`.
            let _ = self.diverted.send(refusal).await;
        }
        Ok(None)
    }

    /// Delivers a message, or does with it what else the verdict is.
    async fn pass(&mut self, mut arrived: Arrived) -> zbus::Result<Option<Message>> {
        match self.judge(&mut arrived) {
            Verdict::Deliver => return Ok(Some(arrived.message)),
            Verdict::DeliverWith(fds) => return arrived.with(&mut self.socket, fds).await.map(Some),
            // If refusals cannot be sent, nothing more is read: a flood waits in the bus, not here. An error means that
            // the daemon is ending.
            Verdict::Divert(diverted) => drop(self.diverted.send(diverted).await),
            Verdict::Drop => {}
        }
        Ok(None)
    }

    /// The client and the class of a call that waits until the client is identified.
    fn newcomer(&mut self, arrived: &Arrived) -> Option<(Arc<Client>, CallClass)> {
        let (clients, header) = (&self.bridge.clients, arrived.message.header());
        let sender = header.sender().filter(|_| arrived.message.message_type() == Type::MethodCall)?;
        let class = methods::of(&header).map_or(CallClass::Query, |method| method.class);
        let client = clients.client(sender);
        let waits = clients.limits.waits_for_identity(client.counts(), class)
            || self.newcomers.of(class).has(&client);
        waits.then(|| {
            self.bridge.notice(&client);
            (client, class)
        })
    }

    fn judge(&self, arrived: &mut Arrived) -> Verdict {
        let Arrived { message, length, carried, is_counted, .. } = arrived;
        let header = message.header();
        if message.message_type() != Type::MethodCall {
            return self.judge_other(&header, length, carried);
        }
        match self.admit(message, &header, length, carried, *is_counted) {
            Ok(Some(_)) if self.is_absent(&header) => Verdict::Divert(Diverted::Call(message.clone())),
            Ok(Some(tickets)) if tickets.is_empty() => Verdict::Deliver,
            Ok(Some(tickets)) => Verdict::DeliverWith(tickets),
            Err(error) => refusal(&header, &error).map_or(Verdict::Drop, Verdict::Divert),
            Ok(None) => Verdict::Drop,
        }
    }

    /// The tickets of a call that is delivered now. Calls over the limits are refused here, so that a flood does not affect
    /// other callers.
    fn admit(
        &self,
        message: &Message,
        header: &Header<'_>,
        length: &Length,
        carried: &mut Carried,
        is_counted: bool,
    ) -> Result<Option<Vec<OwnedFd>>, Error> {
        let Some(sender) = header.sender() else { return Ok(Some(Vec::new())) };
        let wants_reply = !header.primary().flags().contains(Flags::NO_REPLY_EXPECTED);
        let method = methods::of(header);
        let class = method.map_or(CallClass::Query, |method| method.class);
        let client = self.count(sender, class, is_counted)?;
        if *length != Length::Fine {
            return Err(Error::too_long());
        }
        if header.path().is_some_and(|path| names::has_long_id(path)) {
            return Err(Error::no_object());
        }
        let Some(method) = method else {
            carried.check(0)?;
            // zbus answers queries by itself. A query without a reply has no effect.
            let is_now = wants_reply && self.bridge.clients.admit_query(&client, message)?;
            return Ok(is_now.then(Vec::new));
        };
        match carried.is_none() {
            true => Ok(Some(Vec::new())),
            // Nothing would tell when the descriptors are no longer needed.
            false if !wants_reply => Ok(None),
            false => carried.exchange(&client, header, method).map(Some),
        }
    }

    /// Counts a message of a client before anything else; one that has waited, for what it does not count for yet.
    fn count(&self, sender: &str, class: CallClass, is_counted: bool) -> Result<Arc<Client>, Refusal> {
        let (clients, client) = (&self.bridge.clients, self.bridge.clients.client(sender));
        self.bridge.notice(&client);
        match is_counted {
            true => clients.limits.go_on(client.counts(), class)?,
            false => clients.limits.arrive(client.counts(), class)?,
        }
        Ok(client)
    }

    /// The verdict about a signal or a reply. Only the bus itself may pass descriptors in them.
    fn judge_other(&self, header: &Header<'_>, length: &Length, carried: &mut Carried) -> Verdict {
        let is_fine = *length == Length::Fine;
        match header.sender() {
            Some(sender) if sender != names::DRIVER => {
                let is_counted = self.count(sender, CallClass::Query, false).is_ok();
                if is_counted && is_fine && carried.is_none() { Verdict::Deliver } else { Verdict::Drop }
            }
            _ if !is_fine => Verdict::Drop,
            _ if carried.is_none() => Verdict::Deliver,
            _ if carried.is_cut => Verdict::Drop,
            _ => Verdict::DeliverWith(carried.take()),
        }
    }

    /// Whether the descriptors of a message with these first bytes are received while a program holds too many. Those of
    /// a message whose sender is not among the bytes are not, because any program can send one.
    fn may_pass(&self, peeked: &[u8]) -> bool {
        carried::sender(peeked).is_some_and(|sender| {
            sender == names::DRIVER || self.bridge.clients.closers.has_room(&self.payer(sender))
        })
    }

    /// The name that descriptors of a client count for: its program, or itself until that is known. Empty for the bus.
    fn payer(&self, sender: &str) -> Arc<str> {
        if sender == names::DRIVER {
            return Arc::default();
        }
        let program = self.bridge.clients.client(sender).counts().program();
        if program.is_empty() { sender.into() } else { program }
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
            if let Some(arrived) = self.newcomers.next() {
                match self.pass(arrived).await? {
                    Some(message) => return Ok(message),
                    None => continue,
                }
            }
            let (bytes, fds) = (take(already_received_bytes), take(already_received_fds));
            let mut begun = Begun::new(bytes, fds, take(&mut self.is_cut));
            if begun.bytes.is_empty() {
                match self.next().await? {
                    Next::Begun(first) => begun = first,
                    Next::Query(query) => return Ok(query),
                    Next::Identified => continue,
                }
            }
            let arrived = self.receive(&mut begun, seq).await?;
            // Following messages may already be read.
            (*already_received_bytes, *already_received_fds) = (begun.bytes, begun.fds);
            self.is_cut = begun.is_cut;
            let Some(arrived) = arrived else { continue };
            if let Some(message) = self.take(arrived).await? {
                return Ok(message);
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
