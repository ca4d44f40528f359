//! Asks for a secret on a terminal, without echo.

use std::io::{Write, stderr};
use std::os::fd::BorrowedFd;

use rustix::io::Errno;
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use super::MAX_SECRET_BYTES;
use crate::ctl::Failure;

const INTERRUPT: u8 = 0x03;
const END: u8 = 0x04;
const BACKSPACE: u8 = 0x08;
const KILL_LINE: u8 = 0x15;
const DELETE: u8 = 0x7f;

/// Asks for lines until `is_whole` says that these are all. The terminal's line editing is switched off, because it would cut an access token at 4095 bytes.
pub(super) fn ask(
    terminal: BorrowedFd<'_>,
    name: &str,
    is_whole: fn(&[u8]) -> bool,
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let failed =
        |error: Errno| Failure::of_system(&format!("Reading the {name} from the terminal"), &error.into());
    let no_echo = NoEcho::new(terminal).map_err(failed)?;
    print(&format!(
        "{}{} (not shown): ",
        name.get(..1).unwrap_or_default().to_uppercase(),
        name.get(1..).unwrap_or_default()
    ));
    let text = read_text(terminal, is_whole);
    drop(no_echo);
    print("\n");
    text.map_err(failed)?
        .ok_or_else(|| Failure::new(crate::ctl::exit::FAILED, "Cancelled; nothing was sent to the daemon."))
}

/// The lines without the last line break; `None` if the user interrupts.
fn read_text(
    terminal: BorrowedFd<'_>,
    is_whole: fn(&[u8]) -> bool,
) -> Result<Option<Zeroizing<Vec<u8>>>, Errno> {
    let mut line = Zeroizing::new(Vec::with_capacity(MAX_SECRET_BYTES + 1));
    let mut byte = Zeroizing::new([0]);
    loop {
        match rustix::io::read(terminal, &mut *byte) {
            Ok(0) => return Ok(Some(line)),
            Ok(_) => {}
            Err(Errno::INTR) => continue,
            Err(error) => return Err(error),
        }
        match *byte {
            [END] => return Ok(Some(line)),
            [b'\n' | b'\r'] if is_whole(&line) => return Ok(Some(line)),
            [b'\r'] if line.len() <= MAX_SECRET_BYTES => line.push(b'\n'),
            [INTERRUPT] => return Ok(None),
            [KILL_LINE] => line.clear(),
            [BACKSPACE | DELETE] => drop_last_char(&mut line),
            [_] if line.len() > MAX_SECRET_BYTES => {}
            [byte] => line.push(byte),
        }
    }
}

/// Removes the last character, which may be several bytes of UTF-8.
fn drop_last_char(line: &mut Vec<u8>) {
    while let Some(byte) = line.pop() {
        if byte & 0b1100_0000 != 0b1000_0000 {
            return;
        }
    }
}

/// A terminal without echo, until dropped.
struct NoEcho<'terminal> {
    terminal: BorrowedFd<'terminal>,
    before: Termios,
}

impl<'terminal> NoEcho<'terminal> {
    fn new(terminal: BorrowedFd<'terminal>) -> Result<Self, Errno> {
        let before = tcgetattr(terminal)?;
        let mut modes = before.clone();
        // Without signals, so that an interrupt does not leave the terminal without echo.
        modes.local_modes.remove(
            LocalModes::ECHO
                | LocalModes::ECHONL
                | LocalModes::ICANON
                | LocalModes::ISIG
                | LocalModes::IEXTEN,
        );
        modes.special_codes[SpecialCodeIndex::VMIN] = 1;
        modes.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(terminal, OptionalActions::Flush, &modes)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for NoEcho<'_> {
    fn drop(&mut self) {
        // A terminal that was closed needs no restoring.
        let _ = tcsetattr(self.terminal, OptionalActions::Drain, &self.before);
    }
}

fn print(text: &str) {
    // Standard error may be closed; the question is then not shown.
    let _ = stderr().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backspace_removes_all_bytes_of_a_character() {
        let mut line = "aü".as_bytes().to_vec();
        drop_last_char(&mut line);
        assert_eq!(line, b"a");
        drop_last_char(&mut line);
        drop_last_char(&mut line);
        assert!(line.is_empty());
    }
}
