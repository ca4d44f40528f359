//! Messages that are too long are never held in memory as a whole: their first bytes contain the length, and the rest is
//! read and discarded.

use std::io::{self, ErrorKind};
use std::ops::Range;
use std::os::fd::OwnedFd;

use zbus::connection::socket::ReadHalf;
use zbus::message::Message;

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
    /// Whether the first message has the last of the bytes.
    is_last: bool,
}

impl Begun {
    /// What was already read.
    pub(super) fn new(bytes: Vec<u8>, fds: Vec<OwnedFd>) -> Self {
        Self { bytes, fds, is_last: true }
    }

    /// Reads the rest of the first message, which has the descriptors if they are its own.
    ///
    /// # Errors
    ///
    /// The connection ends or fails.
    pub(super) async fn finish(&mut self, socket: &mut Half, seq: u64) -> zbus::Result<Message> {
        let mut fds = if self.is_last { std::mem::take(&mut self.fds) } else { Vec::new() };
        let message = socket.receive_message(seq, &mut self.bytes, &mut fds).await?;
        self.fds.extend(fds);
        if self.bytes.is_empty() {
            // The memory of the messages is wiped when it is freed.
            self.bytes = Vec::new();
        }
        Ok(message)
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
pub(super) async fn first(socket: &mut Half) -> io::Result<Begun> {
    let mut bytes = vec![0; READ_AHEAD_BYTES];
    let (count, fds) = ReadHalf::recvmsg(socket, &mut bytes).await?;
    bytes.truncate(some(count)?);
    Ok(Begun::new(bytes, fds))
}

/// Starts to read a message of at most `longest` bytes.
///
/// # Errors
///
/// The connection ends or fails.
pub(super) async fn begin(socket: &mut Half, begun: &mut Begun, longest: usize) -> io::Result<Length> {
    fill(socket, begun, FIXED_HEADER_BYTES).await?;
    let fields = FIXED_HEADER_BYTES + number(&begun.bytes, FIELDS_LENGTH);
    let (fields, body) = (fields.next_multiple_of(8), number(&begun.bytes, BODY_LENGTH));
    begun.is_last = fields.saturating_add(body) >= begun.bytes.len();
    if fields.saturating_add(body) <= longest {
        return Ok(Length::Fine);
    }
    if fields > longest {
        discard(socket, begun, 0, fields.saturating_add(body)).await?;
        if begun.is_last {
            begun.fds.clear();
        }
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

/// Discards `length` bytes from `start` on, both received bytes and later ones.
async fn discard(socket: &mut Half, begun: &mut Begun, start: usize, mut length: usize) -> io::Result<()> {
    let come = begun.bytes.len().saturating_sub(start).min(length);
    begun.bytes.drain(start..start + come);
    length -= come;
    let mut chunk = vec![0; DISCARD_CHUNK_BYTES.min(length)];
    while length > 0 {
        let part = chunk.get_mut(..DISCARD_CHUNK_BYTES.min(length)).unwrap_or_default();
        let (count, _) = ReadHalf::recvmsg(socket, part).await?;
        length -= some(count)?;
    }
    Ok(())
}

fn some(count: usize) -> io::Result<usize> {
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
                let message = begun.finish(half, 0).await.unwrap();
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
            let begun = Begun::new(come.to_vec(), Vec::new());
            assert_eq!(read(&mut half, begun, messages.len()).await, expected(), "{before}");
            writing.join().unwrap().unwrap();
        }
    }

    /// Sends one message with a descriptor, as the bus does.
    fn send_with_descriptor(bus: &UnixStream, message: &Message) {
        use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
        let bytes = message.data().bytes();
        let descriptors = [std::os::fd::AsFd::as_fd(bus)];
        let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        assert!(ancillary.push(SendAncillaryMessage::ScmRights(&descriptors)));
        let sent = sendmsg(bus, &[io::IoSlice::new(bytes)], &mut ancillary, SendFlags::empty()).unwrap();
        assert_eq!(sent, bytes.len());
    }

    #[tokio::test]
    async fn a_descriptor_belongs_to_its_message_and_no_message_before_it() {
        let (mut bus, mut half, _directory) = connected();
        let with_descriptor = || {
            let fd = zbus::Fd::from(std::os::fd::AsFd::as_fd(&bus));
            Message::method_call("/fd", "Ping").build(&fd).unwrap()
        };
        let (first, second) = (with_descriptor(), with_descriptor());
        // Both calls before the first descriptor are read together with it.
        for message in [call("/a", 10), call("/b", 900)] {
            bus.write_all(message.data().bytes()).unwrap();
        }
        send_with_descriptor(&bus, &first);
        bus.write_all(call("/c", 10).data().bytes()).unwrap();
        send_with_descriptor(&bus, &second);
        let mut begun = Begun::default();
        let mut seen = Vec::new();
        for _ in 0..5 {
            if begun.bytes.is_empty() {
                begun = super::first(&mut half).await.unwrap();
            }
            assert_eq!(begin(&mut half, &mut begun, MAX_MESSAGE_BYTES).await.unwrap(), Length::Fine);
            seen.push(begun.finish(&mut half, 0).await.unwrap().data().fds().len());
        }
        assert_eq!(seen, [0, 0, 1, 0, 1]);
        assert!(begun.bytes.is_empty() && begun.fds.is_empty());
    }
}
