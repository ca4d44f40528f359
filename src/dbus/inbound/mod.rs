//! The socket of the bus connection, below zbus.
//!
//! Two functions need access to the raw messages: answering calls to absent objects (whose token may be plugged in or
//! unlocked in a moment) with more than `UnknownObject`, and detecting when a reply was sent.

mod carried;
mod crowd;
mod diverted;
mod filter;
mod intake;
mod interrupted;
mod length;
mod newcomers;
mod replies;
mod selective;
mod socket;
#[cfg(test)]
mod wire;

use std::sync::Arc;

use tokio::sync::mpsc;
use zbus::address::Address;
use zbus::connection::{self, socket::Split};

use super::bridge::Bridge;
use super::descriptors::Closers;

pub(super) use diverted::Diverted;
pub(super) use selective::Hearing;

/// The number of diverted messages in the queue. It is small, so that a flood leaves room for other messages.
const DIVERTED_QUEUE_LENGTH: usize = 4;

/// A builder for the connection to the bus at `address`, and the receiver of diverted messages.
///
/// On a bus without a Unix socket nothing is diverted.
///
/// # Errors
///
/// No bus listens there.
pub(super) fn connect(
    address: Address,
    bridge: &Arc<Bridge>,
) -> zbus::Result<(connection::Builder<'static>, mpsc::Receiver<Diverted>)> {
    let (sender, diverted) = mpsc::channel(DIVERTED_QUEUE_LENGTH);
    let builder = match socket::connect(&address) {
        None => connection::Builder::address(address),
        Some(Err(error)) => return Err(error.into()),
        Some(Ok((read, write))) => {
            let (release, released) = mpsc::unbounded_channel();
            bridge.clients.release_to(release);
            let read = filter::Reader::new(read, Arc::clone(bridge), released, sender);
            let write = replies::Writer::new(write, Arc::clone(bridge));
            connection::Builder::socket(Split::new(Box::new(read) as Box<_>, Box::new(write) as Box<_>))
        }
    };
    Ok((builder, diverted))
}

/// A builder for a connection to a bus that hears only some messages. On a bus without a Unix socket it hears all.
///
/// # Errors
///
/// No bus listens there.
pub(super) fn selective(
    address: Address,
    closers: &Closers,
    hearing: Hearing,
) -> zbus::Result<connection::Builder<'static>> {
    Ok(match socket::connect(&address) {
        None => connection::Builder::address(address),
        Some(Err(error)) => return Err(error.into()),
        Some(Ok((read, write))) => {
            let read = selective::SelectiveReader::new(read, closers.clone(), hearing);
            connection::Builder::socket(Split::new(Box::new(read) as Box<_>, Box::new(write) as Box<_>))
        }
    })
}
