//! Messages that are too long are never in memory as a whole: they are told by their first bytes, and what follows is
//! read and thrown away.

use std::io::{self, ErrorKind};
use std::ops::Range;
use std::os::fd::OwnedFd;

use zbus::connection::socket::ReadHalf;

use super::socket::Half;

/// The part of a message that every message begins with (D-Bus Specification, "Message Format").
const HEAD: usize = 16;
const BODY_LENGTH: Range<usize> = 4..8;
const FIELDS_LENGTH: Range<usize> = 12..16;

/// So much is thrown away at once.
const CHUNK: usize = 16 * 1024;

/// What was read before zbus reads it: a message's first bytes and perhaps more, and descriptors as far as they have
/// come.
#[derive(Debug, Default)]
pub(super) struct Begun {
    pub(super) bytes: Vec<u8>,
    pub(super) fds: Vec<OwnedFd>,
}

/// What the first bytes of a message say.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Length {
    /// No longer than allowed; the rest is still to be read.
    Fine,
    /// Too long; it was read, and what is left of it is a message without its body.
    TooLong,
    /// Too long even without its body; it was read, and nothing is left of it.
    Hopeless,
}

/// Reads the first bytes of a message, or fewer; nothing is lost when this is dropped.
///
/// # Errors
///
/// When the connection ends or fails.
pub(super) async fn first(socket: &mut Half) -> io::Result<Begun> {
    let mut bytes = vec![0; HEAD];
    let (count, fds) = ReadHalf::recvmsg(socket, &mut bytes).await?;
    bytes.truncate(some(count)?);
    Ok(Begun { bytes, fds })
}

/// Begins to read a message that may have `longest` bytes.
///
/// # Errors
///
/// When the connection ends or fails.
pub(super) async fn begin(socket: &mut Half, begun: &mut Begun, longest: usize) -> io::Result<Length> {
    fill(socket, begun, HEAD).await?;
    let fields = HEAD + number(&begun.bytes, FIELDS_LENGTH);
    let (fields, body) = (fields.next_multiple_of(8), number(&begun.bytes, BODY_LENGTH));
    if fields.saturating_add(body) <= longest {
        return Ok(Length::Fine);
    }
    if fields > longest {
        discard(socket, begun, 0, fields.saturating_add(body)).await?;
        return Ok(Length::Hopeless);
    }
    fill(socket, begun, fields).await?;
    discard(socket, begun, fields, body).await?;
    if let Some(length) = begun.bytes.get_mut(BODY_LENGTH) {
        length.fill(0);
    }
    Ok(Length::TooLong)
}

async fn fill(socket: &mut Half, begun: &mut Begun, length: usize) -> io::Result<()> {
    let mut have = begun.bytes.len();
    begun.bytes.resize(length.max(have), 0);
    while let Some(rest) = begun.bytes.get_mut(have..).filter(|rest| !rest.is_empty()) {
        let (count, fds) = ReadHalf::recvmsg(socket, rest).await?;
        begun.fds.extend(fds);
        have += some(count)?;
    }
    Ok(())
}

/// Throws away so many bytes from `start` on, those that have come and those that are still to come.
async fn discard(socket: &mut Half, begun: &mut Begun, start: usize, mut length: usize) -> io::Result<()> {
    let come = begun.bytes.len().saturating_sub(start).min(length);
    begun.bytes.drain(start..start + come);
    length -= come;
    let mut chunk = vec![0; CHUNK.min(length)];
    while length > 0 {
        let part = chunk.get_mut(..CHUNK.min(length)).unwrap_or_default();
        let (count, _) = ReadHalf::recvmsg(socket, part).await?;
        length -= some(count)?;
    }
    Ok(())
}

fn some(count: usize) -> io::Result<usize> {
    if count == 0 { Err(ErrorKind::UnexpectedEof.into()) } else { Ok(count) }
}

/// A number of the first bytes, in the byte order that the very first one names.
fn number(bytes: &[u8], place: Range<usize>) -> usize {
    let number = bytes.get(place).and_then(|bytes| <[u8; 4]>::try_from(bytes).ok()).unwrap_or_default();
    let number =
        if bytes.first() == Some(&b'B') { u32::from_be_bytes(number) } else { u32::from_le_bytes(number) };
    usize::try_from(number).unwrap_or(usize::MAX)
}
