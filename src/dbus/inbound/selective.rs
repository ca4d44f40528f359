//! The connections that hear only some messages: that for questions to the bus, and those to the system bus.

use std::io;
use std::mem::take;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use async_trait::async_trait;
use zbus::connection::socket::ReadHalf;
use zbus::message::{Header, Message, Type};

use super::crowd;
use super::intake;
use super::length::{Begun, Length};
use super::socket::Half;
use crate::dbus::descriptors::Closers;
use crate::dbus::names;

/// What a connection hears. It drops all other messages, since any program may send some to any connection.
#[derive(Clone, Copy, Debug)]
pub(in crate::dbus) struct Hearing {
    /// Whether it hears this message.
    pub(in crate::dbus) hears: fn(&Header<'_>) -> bool,
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
        longest: 64 * 1024,
        takes_descriptors: true,
    };

    /// Signals and replies, without descriptors.
    pub(in crate::dbus) const SIGNALS: Self = Self {
        hears: |header| header.primary().msg_type() != Type::MethodCall,
        longest: 1024 * 1024,
        takes_descriptors: false,
    };

    /// Replies, which may bring descriptors. The bus passes no reply that was not asked for.
    pub(in crate::dbus) const REPLIES: Self = Self {
        hears: |header| matches!(header.primary().msg_type(), Type::MethodReturn | Type::Error),
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
    /// Counts the descriptors of messages that are dropped.
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
            if begun.bytes.is_empty() && self.closers.is_crowded() {
                let peeked = crowd::peek(&self.socket).await?;
                let is_bus = |sender: Option<&str>| sender == Some(names::DRIVER);
                begun = crowd::first(&self.socket, &peeked, is_bus).await?;
            }
            let longest = self.hearing.longest;
            let received = intake::receive(&mut self.socket, &mut begun, longest, seq, &self.closers).await?;
            // Nothing is read ahead, except before the first message.
            (*already_received_bytes, *already_received_fds) = (begun.bytes, begun.fds);
            let Some(mut arrived) = received else { continue };
            let is_heard = (self.hearing.hears)(&arrived.message.header()) && arrived.length == Length::Fine;
            match arrived.carried.is_none() {
                true if is_heard => return Ok(arrived.message),
                true => {}
                false if is_heard => {
                    let fds = arrived.carried.take();
                    return arrived.with(&mut self.socket, fds).await;
                }
                false => arrived.carried.charge(&self.strangers),
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
