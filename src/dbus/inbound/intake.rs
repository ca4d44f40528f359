//! Reads one message apart from its descriptors, so that zbus never holds those of a caller.

use std::mem::replace;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use zbus::connection::socket::ReadHalf;
use zbus::message::Message;

use super::carried::{Carried, replace_count};
use super::length::{self, Begun, Length};
use super::socket::Half;
use crate::dbus::descriptors::Closers;

/// A message as it arrived.
#[derive(Debug)]
pub(super) struct Arrived {
    /// The message without its descriptors.
    pub(super) message: Message,
    pub(super) length: Length,
    pub(super) carried: Carried,
    /// Whether it was counted before it waited.
    pub(super) is_counted: bool,
    /// Its bytes, if it carries descriptors.
    bytes: Vec<u8>,
    seq: u64,
}

/// Reads a message of at most `longest` bytes. Its descriptors count for the given name. `None` for a message whose header
/// is too long or not of the specification.
///
/// # Errors
///
/// The connection ends or fails.
pub(super) async fn receive(
    socket: &mut Half,
    begun: &mut Begun,
    longest: usize,
    seq: u64,
    (closers, payer): (&Closers, &Arc<str>),
) -> zbus::Result<Option<Arrived>> {
    let length = length::begin(socket, begun, longest).await?;
    // Descriptors come with the first byte of their message (unix(7), SCM_RIGHTS).
    let (fds, is_cut) = begun.take_own();
    if fds.is_empty() && !is_cut && length != Length::Hopeless {
        let message = ReadHalf::receive_message(socket, seq, &mut begun.bytes, &mut Vec::new()).await?;
        if begun.bytes.is_empty() {
            // The memory of the messages is wiped when it is freed.
            begun.bytes = Vec::new();
        }
        return Ok(Some(Arrived::new(message, length, Carried::default(), Vec::new(), seq)));
    }
    let mut carried = Carried::new(fds, is_cut, closers);
    carried.charge(payer);
    if length == Length::Hopeless {
        return Ok(None);
    }
    let whole = length::finish(socket, begun).await?;
    let next = begun.bytes.split_off(whole.min(begun.bytes.len()));
    let mut bytes = replace(&mut begun.bytes, next);
    let Some(count) = replace_count(&mut bytes, 0) else { return Ok(None) };
    carried.is_cut |= usize::try_from(count) != Ok(carried.held.len());
    let message = ReadHalf::receive_message(socket, seq, &mut bytes.clone(), &mut Vec::new()).await?;
    Ok(Some(Arrived::new(message, length, carried, bytes, seq)))
}

impl Arrived {
    fn new(message: Message, length: Length, carried: Carried, bytes: Vec<u8>, seq: u64) -> Self {
        Self { message, length, carried, is_counted: false, bytes, seq }
    }

    /// The message with these descriptors instead of its own.
    ///
    /// # Errors
    ///
    /// None, since zbus has read the same bytes before.
    pub(super) async fn with(self, socket: &mut Half, mut fds: Vec<OwnedFd>) -> zbus::Result<Message> {
        let Self { mut bytes, seq, .. } = self;
        replace_count(&mut bytes, u32::try_from(fds.len()).unwrap_or(0));
        ReadHalf::receive_message(socket, seq, &mut bytes, &mut fds).await
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use zbus::Fd;

    use super::super::wire::{self, connected};
    use super::*;

    const MAX_MESSAGE_BYTES: usize = 1_000;

    fn send(bus: &mut UnixStream, body: usize) {
        wire::send(bus, ":1.7", body);
    }

    fn send_with_descriptor(bus: &UnixStream, body: usize) {
        wire::send_with_descriptor(bus, ":1.7", body);
    }

    /// The numbers of descriptors of this many messages; `None` for a message that is skipped.
    async fn carried(half: &mut Half, count: usize) -> Vec<Option<usize>> {
        let (mut begun, closers, mut seen) = (Begun::default(), Closers::new(), Vec::new());
        for _ in 0..count {
            if begun.bytes.is_empty() {
                begun = length::first(half).await.unwrap();
            }
            let payer = (&closers, &Arc::default());
            let arrived = receive(half, &mut begun, MAX_MESSAGE_BYTES, 0, payer).await.unwrap();
            seen.push(arrived.map(|arrived| {
                assert!(arrived.message.data().fds().is_empty() && !arrived.carried.is_cut);
                arrived.carried.held.len()
            }));
        }
        assert!(begun.bytes.is_empty() && begun.fds.is_empty());
        seen
    }

    #[tokio::test]
    async fn a_descriptor_belongs_to_its_message_and_no_message_before_it() {
        let (mut bus, mut half, _directory) = connected();
        // The first two are read together with the first descriptor.
        send(&mut bus, 10);
        send(&mut bus, 900);
        send_with_descriptor(&bus, 10);
        send(&mut bus, 10);
        send_with_descriptor(&bus, 2_000);
        send_with_descriptor(&bus, 10);
        send(&mut bus, 10);
        let expected = [0, 0, 1, 0, 1, 1, 0].map(Some);
        assert_eq!(carried(&mut half, expected.len()).await, expected);
    }

    #[tokio::test]
    async fn tickets_take_the_place_of_the_descriptors() {
        let (bus, mut half, _directory) = connected();
        send_with_descriptor(&bus, 10);
        let mut begun = length::first(&half).await.unwrap();
        let payer = (&Closers::new(), &Arc::default());
        let arrived = receive(&mut half, &mut begun, MAX_MESSAGE_BYTES, 7, payer).await.unwrap();
        let ticket = crate::dbus::descriptors::issue(0).unwrap();
        let message = arrived.unwrap().with(&mut half, vec![ticket]).await.unwrap();
        assert_eq!(message.header().unix_fds(), Some(1));
        let body = message.body();
        let (fd, _): (Fd<'_>, String) = body.deserialize().unwrap();
        assert_eq!(crate::dbus::descriptors::number_of(fd), Some(0));
    }
}
