//! Messages that are too long are never held in memory as a whole: their first bytes contain the length, and the rest is
//! read and discarded.

use std::io::{self, ErrorKind};
use std::mem::take;
use std::ops::Range;
use std::os::fd::OwnedFd;

use super::socket::Half;

/// The length of the fixed part of a message (D-Bus Specification, "Message Format").
const FIXED_HEADER_BYTES: usize = 16;
const BODY_LENGTH: Range<usize> = 4..8;
const FIELDS_LENGTH: Range<usize> = 12..16;

/// The number of bytes that are read at once: about twelve calls, so that a flood does not cost two system calls for each.
const READ_AHEAD_BYTES: usize = 4 * 1024;

/// The size of the buffer for discarded bytes.
const DISCARD_CHUNK_BYTES: usize = 16 * 1024;

/// Data that was read before zbus reads the message: its first bytes, possibly following messages, and received
/// descriptors.
///
/// A read ends with the part to which its descriptors belong (unix(7)). So they belong to the message that has the last of
/// these bytes.
#[derive(Debug, Default)]
pub(super) struct Begun {
    pub(super) bytes: Vec<u8>,
    pub(super) fds: Vec<OwnedFd>,
    /// Whether descriptors were lost.
    pub(super) is_cut: bool,
    /// Whether the first message has the last of the bytes.
    is_last: bool,
}

impl Begun {
    /// What was already read.
    pub(super) fn new(bytes: Vec<u8>, fds: Vec<OwnedFd>, is_cut: bool) -> Self {
        Self { bytes, fds, is_cut, is_last: true }
    }

    /// The descriptors of the first message, and whether some were lost.
    pub(super) fn take_own(&mut self) -> (Vec<OwnedFd>, bool) {
        if self.is_last { (take(&mut self.fds), take(&mut self.is_cut)) } else { (Vec::new(), false) }
    }
}

/// The length of a message, from its first bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Length {
    /// Within the limit; the rest is not read yet.
    Fine,
    /// Too long; the message was read, and its header is kept without the body.
    TooLong,
    /// Too long even without its body; the message was discarded.
    Hopeless,
}

/// Reads the first bytes of a message, or fewer, and following messages; it is cancellation-safe.
///
/// # Errors
///
/// The connection ends or fails.
pub(super) async fn first(socket: &Half) -> io::Result<Begun> {
    let mut bytes = vec![0; READ_AHEAD_BYTES];
    let received = socket.receive(&mut bytes).await?;
    bytes.truncate(some(received.count)?);
    Ok(Begun::new(bytes, received.fds, received.is_cut))
}

/// Starts to read a message of at most `longest` bytes.
///
/// # Errors
///
/// The connection ends or fails.
pub(super) async fn begin(socket: &Half, begun: &mut Begun, longest: usize) -> io::Result<Length> {
    fill(socket, begun, FIXED_HEADER_BYTES).await?;
    let (fields, body) = lengths(&begun.bytes);
    begun.is_last = fields.saturating_add(body) >= begun.bytes.len();
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

/// Reads the rest of a message that has begun, and returns its length in bytes.
///
/// # Errors
///
/// The connection ends or fails.
pub(super) async fn finish(socket: &Half, begun: &mut Begun) -> io::Result<usize> {
    let whole = whole(&begun.bytes);
    fill(socket, begun, whole).await?;
    Ok(whole)
}

/// The length of a message in bytes, from its first 16 bytes.
pub(super) fn whole(bytes: &[u8]) -> usize {
    let (fields, body) = lengths(bytes);
    fields.saturating_add(body)
}

/// The lengths of the header and of the body.
fn lengths(bytes: &[u8]) -> (usize, usize) {
    let fields = FIXED_HEADER_BYTES + number(bytes, FIELDS_LENGTH);
    (fields.next_multiple_of(8), number(bytes, BODY_LENGTH))
}

async fn fill(socket: &Half, begun: &mut Begun, length: usize) -> io::Result<()> {
    let mut have = begun.bytes.len();
    begun.bytes.resize(length.max(have), 0);
    while let Some(rest) = begun.bytes.get_mut(have..).filter(|rest| !rest.is_empty()) {
        let received = socket.receive(rest).await?;
        begun.fds.extend(received.fds);
        begun.is_cut |= received.is_cut;
        have += some(received.count)?;
    }
    Ok(())
}

/// Discards `length` bytes from `start` on, both received bytes and later ones.
async fn discard(socket: &Half, begun: &mut Begun, start: usize, mut length: usize) -> io::Result<()> {
    let come = begun.bytes.len().saturating_sub(start).min(length);
    begun.bytes.drain(start..start + come);
    length -= come;
    let mut chunk = vec![0; DISCARD_CHUNK_BYTES.min(length)];
    while length > 0 {
        let part = chunk.get_mut(..DISCARD_CHUNK_BYTES.min(length)).unwrap_or_default();
        let received = socket.receive(part).await?;
        begun.fds.extend(received.fds);
        begun.is_cut |= received.is_cut;
        length -= some(received.count)?;
    }
    Ok(())
}

/// The number of received bytes; none means that the connection has ended.
pub(super) fn some(count: usize) -> io::Result<usize> {
    if count == 0 { Err(ErrorKind::UnexpectedEof.into()) } else { Ok(count) }
}

/// A number in the first bytes, in the message's byte order.
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

    use zbus::connection::socket::ReadHalf;
    use zbus::message::Message;

    use super::super::socket;
    use super::*;

    const MAX_MESSAGE_BYTES: usize = 1_000;

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

    /// The lengths of consecutive messages, and the body lengths of those within the limit.
    async fn read(half: &mut Half, mut begun: Begun, count: usize) -> Vec<(Length, Option<usize>)> {
        let mut seen = Vec::new();
        for _ in 0..count {
            let length = begin(half, &mut begun, MAX_MESSAGE_BYTES).await.unwrap();
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
    async fn a_message_that_is_too_long_is_skipped_and_the_next_one_is_read() {
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
        // A part was already read, as after the handshake: nothing, a part of a message, and more than one message.
        for before in [0, 3, 200, 30_000, bytes.len() - 40] {
            let (mut bus, mut half, _directory) = connected();
            let (come, rest) = bytes.split_at(before);
            bus.set_nonblocking(false).unwrap();
            let rest = rest.to_vec();
            let writing = std::thread::spawn(move || bus.write_all(&rest).map(|()| bus));
            let begun = Begun::new(come.to_vec(), Vec::new(), false);
            assert_eq!(read(&mut half, begun, messages.len()).await, expected(), "{before}");
            writing.join().unwrap().unwrap();
        }
    }
}
