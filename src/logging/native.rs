//! One entry in the journal by its own protocol: fields in a datagram to the journal's socket
//! (systemd, "Native Journal Protocol").

use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::Path;

/// The socket of the journal.
pub(super) const SOCKET: &str = "/run/systemd/journal/socket";

/// The name that the journal's stream has for the lines of the daemon.
const IDENTIFIER: &str = "oathbridged";

/// Sends an entry. `priority` is one digit, and `text` any text.
///
/// # Errors
///
/// If the journal does not take it at once, for example because there is none, or because its socket is full. That socket
/// is one for all programs, which may fill it; the stream has a buffer of its own.
pub(super) fn send(socket: &Path, id: &str, priority: &str, text: &str) -> io::Result<()> {
    let own = UnixDatagram::unbound()?;
    own.set_nonblocking(true)?;
    own.send_to(&entry(id, priority, text), socket).map(drop)
}

/// Each field has its length, so no value can begin a field: the name, a line feed, the length of the value in 64 bits
/// little endian, the value and a line feed.
fn entry(id: &str, priority: &str, text: &str) -> Vec<u8> {
    let mut entry = Vec::new();
    let fields =
        [("MESSAGE_ID", id), ("PRIORITY", priority), ("SYSLOG_IDENTIFIER", IDENTIFIER), ("MESSAGE", text)];
    for (name, value) in fields {
        entry.extend_from_slice(name.as_bytes());
        entry.push(b'\n');
        entry.extend_from_slice(&(value.len() as u64).to_le_bytes());
        entry.extend_from_slice(value.as_bytes());
        entry.push(b'\n');
    }
    entry
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_socket_is_an_error_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let _unread = UnixDatagram::bind(&path).unwrap();
        // net.unix.max_dgram_qlen is 512 at most on usual systems.
        let mut sent = (0..100_000).map(|_| send(&path, "id", "5", "a line"));
        let error = sent.find_map(Result::err).unwrap();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    }

    #[test]
    fn no_text_begins_a_field() {
        let expected: &[&[u8]] = &[
            b"MESSAGE_ID\n\x02\0\0\0\0\0\0\0id\n",
            b"PRIORITY\n\x01\0\0\0\0\0\0\x005\n",
            b"SYSLOG_IDENTIFIER\n\x0b\0\0\0\0\0\0\0oathbridged\n",
            b"MESSAGE\n\x0c\0\0\0\0\0\0\0a\nPRIORITY=0\n",
        ];
        assert_eq!(entry("id", "5", "a\nPRIORITY=0"), expected.concat());
    }
}
