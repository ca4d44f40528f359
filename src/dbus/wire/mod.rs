//! The connection to the bus, as far as zbus leaves room for it.
//!
//! Two things can only be done where messages come in and go out: a call to an object that isn't there can be
//! answered with more than "unknown object" (its token may be plugged in, or unlocked, in a moment), and it can be
//! known when a reply has left.

mod gate;
mod length;
mod queries;
mod replies;
mod socket;

use std::sync::Arc;

use tokio::sync::mpsc;
use zbus::address::Address;
use zbus::connection::{self, socket::Split};

use crate::access::Limits;

pub(super) use gate::{Diverted, Paths};
pub(super) use queries::Queries;
pub(super) use replies::Replies;

/// How many messages that are kept back are read ahead. Few, so that a flood of them lets everything else go on in
/// between.
const AHEAD: usize = 4;

/// A connection to the bus at `address` that is not made yet, the calls that will be kept back, and the queries.
///
/// On a bus that isn't reached through a Unix socket nothing is kept back.
///
/// # Errors
///
/// When nobody listens there.
pub(super) fn connect(
    address: Address,
    paths: &Paths,
    limits: &Limits,
    replies: &Arc<Replies>,
) -> zbus::Result<(connection::Builder<'static>, mpsc::Receiver<Diverted>, Queries)> {
    let (sender, diverted) = mpsc::channel(AHEAD);
    let (queries, released) = Queries::new(limits.clone());
    let builder = match socket::connect(&address) {
        None => connection::Builder::address(address),
        Some(Err(error)) => return Err(error.into()),
        Some(Ok((read, write))) => {
            let waiting = (queries.clone(), released);
            let read = gate::Reader::new(read, paths.clone(), limits.clone(), waiting, sender);
            let write = replies::Writer::new(write, Arc::clone(replies), queries.clone());
            connection::Builder::socket(Split::new(Box::new(read) as Box<_>, Box::new(write) as Box<_>))
        }
    };
    Ok((builder, diverted, queries))
}
