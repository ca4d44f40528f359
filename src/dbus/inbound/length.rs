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

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::net::{UnixListener, UnixStream};

    use zbus::message::Message;

    use super::super::socket;
    use super::*;

    const LONGEST: usize = 1_000;

    fn connected() -> (UnixStream, Half, tempfile::TempDir) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("bus");
        let listener = UnixListener::bind(&path).unwrap();
        let address = format!("unix:path={}", path.display());
        let (half, _) = socket::connect(&address.parse().unwrap()).unwrap().unwrap();
        (listener.accept().unwrap().0, half, directory)
    }

    fn call(path: &str, body: usize) -> Message {
        Message::method_call(path, "Ping").build(&"x".repeat(body)).unwrap()
    }

    /// What is made of messages that follow each other: how long they are, and the body of those that are fine.
    async fn read(half: &mut Half, mut begun: Begun, count: usize) -> Vec<(Length, Option<usize>)> {
        let mut seen = Vec::new();
        for _ in 0..count {
            let length = begin(half, &mut begun, LONGEST).await.unwrap();
            let mut body = None;
            if length != Length::Hopeless {
                let message = half.receive_message(0, &mut begun.bytes, &mut begun.fds).await.unwrap();
                assert_eq!(message.header().member().unwrap(), "Ping");
                body =
                    (length == Length::Fine).then(|| message.body().deserialize::<String>().unwrap().len());
            }
            seen.push((length, body));
        }
        assert!(begun.bytes.is_empty());
        seen
    }

    #[tokio::test]
    async fn whatever_is_too_long_is_skipped_and_what_follows_is_read() {
        let messages =
            [call("/a", 10), call("/b", 50_000), call(&format!("/{}", "c".repeat(2_000)), 1), call("/d", 20)];
        let bytes: Vec<u8> = messages.iter().flat_map(|message| message.data().bytes().to_vec()).collect();
        let expected = || {
            vec![
                (Length::Fine, Some(10)),
                (Length::TooLong, None),
                (Length::Hopeless, None),
                (Length::Fine, Some(20)),
            ]
        };
        // Some of it has been read before, as after the handshake: nothing, a part, and more than one message.
        for before in [0, 3, 200, 30_000, bytes.len() - 40] {
            let (mut bus, mut half, _directory) = connected();
            let (come, rest) = bytes.split_at(before);
            bus.set_nonblocking(false).unwrap();
            let rest = rest.to_vec();
            let writing = std::thread::spawn(move || bus.write_all(&rest).map(|()| bus));
            let begun = Begun { bytes: come.to_vec(), fds: Vec::new() };
            assert_eq!(read(&mut half, begun, messages.len()).await, expected(), "{before}");
            writing.join().unwrap().unwrap();
        }
    }
}
