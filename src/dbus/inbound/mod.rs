//! The connection to the bus, as far as zbus leaves room for it.
//!
//! Two things can only be done where messages come in and go out: a call to an object that isn't there can be
//! answered with more than "unknown object" (its token may be plugged in, or unlocked, in a moment), and it can be
//! known when a reply has left.

mod filter;
mod length;
mod replies;
mod socket;

use std::sync::Arc;

use tokio::sync::mpsc;
use zbus::address::Address;
use zbus::connection::{self, socket::Split};

use super::bridge::Bridge;

pub(super) use filter::Diverted;

/// How many messages that are kept back are read ahead. Few, so that a flood of them lets everything else go on in
/// between.
const AHEAD: usize = 4;

/// A connection to the bus at `address` that is not made yet, and the calls that will be kept back.
///
/// On a bus that isn't reached through a Unix socket nothing is kept back.
///
/// # Errors
///
/// When nobody listens there.
pub(super) fn connect(
    address: Address,
    bridge: &Arc<Bridge>,
) -> zbus::Result<(connection::Builder<'static>, mpsc::Receiver<Diverted>)> {
    let (sender, diverted) = mpsc::channel(AHEAD);
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
