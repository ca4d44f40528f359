//! Reads while a program holds too many descriptors: no more of that program are received.
//!
//! Its calls without descriptors go on, and so do all calls of other programs.

use std::io;

use super::length::{self, Begun};
use super::socket::Half;

/// The number of bytes that are looked at. The header of a usual message has fewer than 300.
const PEEKED_BYTES: usize = 4 * 1024;

/// The first bytes of the next message, which stay in the socket; it is cancellation-safe.
///
/// # Errors
///
/// The connection ends or fails.
pub(super) async fn peek(socket: &Half) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; PEEKED_BYTES];
    let count = socket.peek(&mut bytes).await?;
    bytes.truncate(length::some(count)?);
    Ok(bytes)
}

/// Reads the bytes of the next message that were peeked at, and its descriptors if it `may_pass` them.
///
/// # Errors
///
/// The connection ends or fails.
pub(super) async fn first(socket: &Half, peeked: &[u8], may_pass: bool) -> io::Result<Begun> {
    let mut bytes = vec![0; length::whole(peeked).min(peeked.len())];
    let received = if may_pass {
        socket.receive(&mut bytes).await?
    } else {
        let (filled, received) = socket.receive_bare(bytes).await?;
        bytes = filled;
        received
    };
    bytes.truncate(length::some(received.count)?);
    Ok(Begun::new(bytes, received.fds, received.is_cut))
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;
    use std::time::Instant;

    use super::super::wire::{
        LINGER, connected, lingering, send, send_descriptor, send_to_path_with_descriptor,
        send_with_descriptor,
    };
    use super::super::{carried, intake};
    use super::*;
    use crate::dbus::descriptors::Closers;

    /// The senders of this many messages, with the numbers of their descriptors and whether some were lost.
    async fn arrived(half: &mut Half, closers: &Closers, count: usize) -> Vec<(String, usize, bool)> {
        let mut arrived = Vec::new();
        for _ in 0..count {
            assert!(closers.is_crowded());
            let peeked = peek(half).await.unwrap();
            let may_pass = carried::sender(&peeked).is_some_and(|sender| closers.has_room(sender));
            let mut begun = first(half, &peeked, may_pass).await.unwrap();
            let payer = carried::sender(&peeked).unwrap_or_default().into();
            let one = intake::receive(half, &mut begun, 8_000, 0, (closers, &payer)).await.unwrap().unwrap();
            assert!(begun.bytes.is_empty() && begun.fds.is_empty());
            let sender = one.message.header().sender().unwrap().to_string();
            arrived.push((sender, one.carried.held.len(), one.carried.is_cut));
        }
        arrived
    }

    #[tokio::test]
    async fn a_program_that_holds_too_many_descriptors_keeps_only_itself_from_passing_more() {
        let (mut bus, mut half, _directory) = connected();
        let closers = Closers::with_limit(80);
        // They are held by this test, as by a file system that hangs.
        for _ in 0..10 {
            closers.count(&":1.1".into());
        }
        let (hangs, other) = (":1.1", ":1.2");
        send_with_descriptor(&bus, hangs, 10);
        send(&mut bus, hangs, 10);
        send_with_descriptor(&bus, other, 10);
        send_with_descriptor(&bus, hangs, 900);
        send(&mut bus, other, 900);
        let expected =
            [(hangs, 0, true), (hangs, 0, false), (other, 1, false), (hangs, 0, true), (other, 0, false)];
        let expected = expected.map(|(sender, count, is_cut)| (sender.to_owned(), count, is_cut));
        assert_eq!(arrived(&mut half, &closers, expected.len()).await, expected);
    }

    /// The program has reached its limit, and passes sockets that linger, which only this end still has.
    #[tokio::test]
    async fn sockets_that_linger_do_not_keep_the_messages_after_them_waiting() {
        let (mut bus, mut half, _directory) = connected();
        let closers = Closers::with_limit(8);
        closers.count(&":1.1".into());
        let mut peers = Vec::new();
        for _ in 0..5 {
            let (socket, peer) = lingering();
            send_descriptor(&bus, socket.as_fd(), "/fd", ":1.1", 10);
            peers.push(peer);
        }
        send(&mut bus, ":1.2", 10);
        let begun = Instant::now();
        let arrived = arrived(&mut half, &closers, 6).await;
        assert!(begun.elapsed() < LINGER / 2, "they linger");
        assert_eq!(arrived[4..], [(":1.1".to_owned(), 0, true), (":1.2".to_owned(), 0, false)]);
    }

    /// The bus appends the sender to the fields that the program has set.
    #[tokio::test]
    async fn a_long_header_before_the_sender_brings_no_descriptor() {
        let (bus, mut half, _directory) = connected();
        let closers = Closers::with_limit(80);
        for _ in 0..10 {
            closers.count(&":1.1".into());
        }
        let path = "/part".repeat(1_100);
        send_to_path_with_descriptor(&bus, &path, ":1.1", 10);
        send_with_descriptor(&bus, ":1.2", 10);
        let expected = [(":1.1".to_owned(), 0, true), (":1.2".to_owned(), 1, false)];
        assert_eq!(arrived(&mut half, &closers, expected.len()).await, expected);
    }

    #[tokio::test]
    async fn a_message_that_arrives_in_parts_is_read_as_a_whole() {
        let (mut bus, mut half, _directory) = connected();
        let closers = Closers::with_limit(8);
        closers.count(&":1.1".into());
        let writing = std::thread::spawn(move || {
            for _ in 0..20 {
                send(&mut bus, ":1.1", 900);
            }
            bus
        });
        assert_eq!(arrived(&mut half, &closers, 20).await.len(), 20);
        writing.join().unwrap();
    }
}
