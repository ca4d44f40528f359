//! Tickets: the descriptors that a message has on its way through zbus, instead of those of its caller.
//!
//! zbus keeps the descriptors of a message until its last copy is dropped, on the thread that serves everybody. So a message
//! carries event counters (eventfd(2)), whose closing never blocks, and each one holds the place of a descriptor.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::event::{EventfdFlags, eventfd};
use rustix::io::read;

/// A ticket for the descriptor at this place in its message.
///
/// # Errors
///
/// The process or the system has no free descriptor.
pub(in crate::dbus) fn issue(place: usize) -> io::Result<OwnedFd> {
    // A counter of 0 could not be read.
    let counter = u32::try_from(place).ok().and_then(|place| place.checked_add(1));
    let counter = counter.ok_or(io::ErrorKind::InvalidInput)?;
    Ok(eventfd(counter, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?)
}

/// The place of the descriptor that this ticket is for; `None` the second time, because reading resets the counter.
pub(in crate::dbus) fn number_of(ticket: impl AsFd) -> Option<usize> {
    let mut counter = [0; 8];
    read(ticket, &mut counter).ok().filter(|count| *count == size_of::<u64>())?;
    usize::try_from(u64::from_ne_bytes(counter)).ok()?.checked_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_valid_once_and_so_are_its_copies() {
        for place in [0, 1, 200] {
            let ticket = issue(place).unwrap();
            let copy = ticket.try_clone().unwrap();
            assert_eq!((number_of(&copy), number_of(&ticket)), (Some(place), None));
        }
    }
}
