//! The descriptors that a message carries, and the field of its header that counts them.

use std::io;
use std::mem::take;
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use zbus::message::Header;

use crate::dbus::client::Client;
use crate::dbus::descriptors::{Closers, Held, issue};
use crate::dbus::error::Error;
use crate::dbus::methods::MethodPolicy;

/// The first header field (D-Bus Specification, "Message Format").
const FIRST_FIELD: usize = 16;
/// The codes of fields (D-Bus Specification, "Header Fields").
const SENDER: u8 = 7;
const UNIX_FDS: u8 = 9;

/// The descriptors of one message.
#[derive(Debug, Default)]
pub(super) struct Carried {
    pub(super) held: Vec<Held>,
    /// Whether some were lost, because this process had no descriptor free, or the program too many.
    pub(super) is_cut: bool,
}

impl Carried {
    pub(super) fn new(fds: Vec<OwnedFd>, is_cut: bool, closers: &Closers) -> Self {
        Self { held: fds.into_iter().map(|fd| Held::new(fd, closers)).collect(), is_cut }
    }

    /// Counts them for this program.
    pub(super) fn charge(&mut self, program: &Arc<str>) {
        self.held.iter_mut().for_each(|held| held.charge(program));
    }

    /// Checks that everything has arrived, and that there are at most `most` descriptors.
    ///
    /// # Errors
    ///
    /// `InvalidArgs` for too many, `Busy` if some were lost.
    pub(super) fn check(&self, most: usize) -> Result<(), Error> {
        match self.held.len() {
            count if count > most => Err(Error::too_many_descriptors(most)),
            _ if self.is_cut => Err(Error::descriptors_lost()),
            _ => Ok(()),
        }
    }

    /// Keeps the descriptors of a call with its client, and returns a ticket for each.
    ///
    /// # Errors
    ///
    /// Those of [`Carried::check`]; `Busy` if the daemon has no free descriptor; those of [`Client::deposit`].
    pub(super) fn exchange(
        &mut self,
        client: &Client,
        header: &Header<'_>,
        method: &MethodPolicy,
    ) -> Result<Vec<OwnedFd>, Error> {
        self.check(method.descriptors)?;
        let tickets: io::Result<Vec<_>> = (0..self.held.len()).map(issue).collect();
        let tickets = tickets.map_err(|_| Error::descriptors_lost())?;
        client.deposit(header.primary().serial_num().get(), take(&mut self.held))?;
        Ok(tickets)
    }

    /// The descriptors themselves, of a message of the bus.
    pub(super) fn take(&mut self) -> Vec<OwnedFd> {
        take(&mut self.held).into_iter().filter_map(Held::into_inner).collect()
    }

    /// Whether the message carries nothing.
    pub(super) fn is_none(&self) -> bool {
        self.held.is_empty() && !self.is_cut
    }
}

/// Replaces the number of descriptors in the header of a message, and returns the previous one. `None` if there is no such
/// field, or a field before it is not one of the specification.
pub(super) fn replace_count(bytes: &mut [u8], count: u32) -> Option<u32> {
    let is_big = is_big(bytes);
    let field = value_of(UNIX_FDS, bytes, is_big)?;
    let field: &mut [u8; 4] = bytes.get_mut(field)?.try_into().ok()?;
    let before = number(*field, is_big);
    *field = if is_big { count.to_be_bytes() } else { count.to_le_bytes() };
    Some(before)
}

/// The sender of a message, from its first bytes. `None` if these bytes do not have it.
pub(super) fn sender(bytes: &[u8]) -> Option<&str> {
    let value = value_of(SENDER, bytes, is_big(bytes))?;
    // A length of four bytes, the text, and a zero byte.
    let text = value.start.checked_add(4)?..value.end.checked_sub(1)?;
    str::from_utf8(bytes.get(text)?).ok()
}

fn is_big(bytes: &[u8]) -> bool {
    bytes.first() == Some(&b'B')
}

/// The place of the value of a field.
fn value_of(wanted: u8, bytes: &[u8], is_big: bool) -> Option<Range<usize>> {
    let length = |at: usize| {
        let length = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        usize::try_from(number(length, is_big)).ok()
    };
    let end = FIRST_FIELD.checked_add(length(FIRST_FIELD - 4)?)?;
    let mut field = FIRST_FIELD;
    while field < end {
        // A code, and the signature of a value of one basic type: a length, one letter, and a zero byte.
        let &[code, 1, kind, 0] = bytes.get(field..field.checked_add(4)?)? else { return None };
        let value = field.checked_add(4)?;
        let length = match kind {
            b'u' => 4,
            b's' | b'o' => length(value)?.checked_add(5)?,
            b'g' => usize::from(*bytes.get(value)?).checked_add(2)?,
            _ => return None,
        };
        let next = value.checked_add(length)?;
        if code == wanted {
            return Some(value..next);
        }
        field = next.checked_next_multiple_of(8)?;
    }
    None
}

fn number(bytes: [u8; 4], is_big: bool) -> u32 {
    if is_big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
}

#[cfg(test)]
mod tests {
    use zbus::Fd;
    use zbus::message::Message;

    use super::*;

    fn with_descriptors(count: usize) -> Vec<u8> {
        let fds: Vec<Fd<'_>> =
            (0..count).map(|_| OwnedFd::from(io::pipe().unwrap().0)).map(Fd::from).collect();
        let call = Message::method_call("/a", "Member").interface("a.b").destination(":1.7");
        call.build(&fds).unwrap().data().bytes().to_vec()
    }

    #[test]
    fn the_number_of_descriptors_is_replaced() {
        for count in [1, 3] {
            let mut bytes = with_descriptors(count);
            assert_eq!(replace_count(&mut bytes, 0), Some(u32::try_from(count).unwrap()));
            assert_eq!(replace_count(&mut bytes, 9), Some(0));
        }
        let mut none = Message::method_call("/a", "Member").build(&()).unwrap().data().bytes().to_vec();
        assert_eq!(replace_count(&mut none, 0), None);
    }

    #[test]
    fn the_sender_is_found() {
        let call = Message::method_call("/a", "Member").sender(":1.42").destination(":1.7");
        let bytes = call.build(&()).unwrap().data().bytes().to_vec();
        assert_eq!(sender(&bytes), Some(":1.42"));
        assert_eq!(sender(&bytes[..20]), None);
        assert_eq!(sender(&with_descriptors(1)), None);
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let whole = with_descriptors(2);
        for end in 0..whole.len() {
            let mut part = whole[..end].to_vec();
            let _ = replace_count(&mut part, 0);
            let _ = sender(&part);
            for byte in [0, 1, 0x7f, 0xff] {
                let mut damaged = whole.clone();
                damaged[end] = byte;
                let _ = replace_count(&mut damaged, 0);
                let _ = sender(&damaged);
            }
        }
    }
}
