//! The connections that hear only some messages: that for questions to the bus, and those to the system bus.

use std::io;
use std::mem::take;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use async_trait::async_trait;
use zbus::connection::socket::ReadHalf;
use zbus::message::{Header, Message, Type};

use super::intake;
use super::length::{Begun, Length};
use super::socket::Half;
use super::{carried, crowd};
use crate::dbus::descriptors::Closers;
use crate::dbus::names;

/// The types of replies in the second byte of a message (D-Bus Specification, "Message Format").
const REPLIES: [u8; 2] = [Type::MethodReturn as u8, Type::Error as u8];

/// What a connection hears. It drops all other messages, since any program may send some to any connection.
#[derive(Clone, Copy, Debug)]
pub(in crate::dbus) struct Hearing {
    /// Whether it hears this message.
    pub(in crate::dbus) hears: fn(&Header<'_>) -> bool,
    /// Whether a message with these first bytes may be one that it hears. It receives the descriptors of no other one
    /// while it holds too many.
    expects: fn(&[u8]) -> bool,
    /// The maximum length of a message, in bytes.
    pub(in crate::dbus) longest: usize,
    /// Whether it receives descriptors. The bus passes none to a connection that has not asked for them (D-Bus
    /// Specification, "NEGOTIATE_UNIX_FD").
    pub(in crate::dbus) takes_descriptors: bool,
}

impl Hearing {
    /// The bus itself and nobody else.
    pub(in crate::dbus) const BUS: Self = Self {
        hears: |header| header.sender().is_some_and(|name| name == names::DRIVER),
        expects: |bytes| carried::sender(bytes) == Some(names::DRIVER),
        longest: 64 * 1024,
        takes_descriptors: true,
    };

    /// Signals and replies, without descriptors.
    pub(in crate::dbus) const SIGNALS: Self = Self {
        hears: |header| header.primary().msg_type() != Type::MethodCall,
        expects: |_| false,
        longest: 1024 * 1024,
        takes_descriptors: false,
    };

    /// Replies, which may bring descriptors. The bus passes no reply that was not asked for.
    pub(in crate::dbus) const REPLIES: Self = Self {
        hears: |header| matches!(header.primary().msg_type(), Type::MethodReturn | Type::Error),
        expects: |bytes| bytes.get(1).is_some_and(|kind| REPLIES.contains(kind)),
        takes_descriptors: true,
        ..Self::SIGNALS
    };
}

/// Reads the messages that a connection hears.
#[derive(Debug)]
pub(super) struct SelectiveReader {
    socket: Half,
    closers: Closers,
    hearing: Hearing,
    /// The name that the descriptors of messages count for, until they are closed or taken.
    strangers: Arc<str>,
}

impl SelectiveReader {
    pub(super) fn new(socket: Half, closers: Closers, hearing: Hearing) -> Self {
        Self { socket, closers, hearing, strangers: "strangers".into() }
    }
}

#[async_trait]
impl ReadHalf for SelectiveReader {
    async fn receive_message(
        &mut self,
        seq: u64,
        already_received_bytes: &mut Vec<u8>,
        already_received_fds: &mut Vec<OwnedFd>,
    ) -> zbus::Result<Message> {
        loop {
            let (bytes, fds) = (take(already_received_bytes), take(already_received_fds));
            let mut begun = Begun::new(bytes, fds, false);
            // Only what strangers have sent to such a connection counts, and not what programs hold.
            if begun.bytes.is_empty() && !self.closers.has_room(&self.strangers) {
                let peeked = crowd::peek(&self.socket).await?;
                begun = crowd::first(&self.socket, &peeked, (self.hearing.expects)(&peeked)).await?;
            }
            let longest = self.hearing.longest;
            let payer = (&self.closers, &self.strangers);
            let received = intake::receive(&mut self.socket, &mut begun, longest, seq, payer).await?;
            // Nothing is read ahead, except before the first message.
            (*already_received_bytes, *already_received_fds) = (begun.bytes, begun.fds);
            let Some(mut arrived) = received else { continue };
            let is_heard = (self.hearing.hears)(&arrived.message.header()) && arrived.length == Length::Fine;
            match arrived.carried.is_none() {
                _ if !is_heard => {}
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
        self.hearing.takes_descriptors
    }
}
