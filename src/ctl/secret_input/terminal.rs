//! A question on a terminal, whose answer is not shown.

use std::io::{Write, stderr};
use std::os::fd::BorrowedFd;

use rustix::io::Errno;
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use super::LIMIT;
use crate::ctl::Failure;

const INTERRUPT: u8 = 0x03;
const END: u8 = 0x04;
const BACKSPACE: u8 = 0x08;
const KILL_LINE: u8 = 0x15;
const DELETE: u8 = 0x7f;

/// Asks for a line. The terminal's own line editing is off meanwhile: it would cut an access token at 4095 bytes.
pub(super) fn ask(terminal: BorrowedFd<'_>, name: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let failed = |error: Errno| Failure::failed(&format!("Reading the {name} from the terminal"), error);
    let silent = Silent::new(terminal).map_err(failed)?;
    print(&format!(
        "{}{} (not shown): ",
        name.get(..1).unwrap_or_default().to_uppercase(),
        name.get(1..).unwrap_or_default()
    ));
    let line = read_line(terminal);
    drop(silent);
    print("\n");
    line.map_err(failed)?
        .ok_or_else(|| Failure::new(crate::ctl::exit::FAILED, "Cancelled; nothing was sent to the daemon."))
}

/// The line without its end; nothing when the person interrupts.
fn read_line(terminal: BorrowedFd<'_>) -> Result<Option<Zeroizing<Vec<u8>>>, Errno> {
    let mut line = Zeroizing::new(Vec::with_capacity(LIMIT + 1));
    let mut byte = Zeroizing::new([0]);
    loop {
        match rustix::io::read(terminal, &mut *byte) {
            Ok(0) => return Ok(Some(line)),
            Ok(_) => {}
            Err(Errno::INTR) => continue,
            Err(error) => return Err(error),
        }
        match *byte {
            [b'\n' | b'\r' | END] => return Ok(Some(line)),
            [INTERRUPT] => return Ok(None),
            [KILL_LINE] => line.clear(),
            [BACKSPACE | DELETE] => drop_letter(&mut line),
            [_] if line.len() > LIMIT => {}
            [byte] => line.push(byte),
        }
    }
}

/// The last letter, which may be several bytes of UTF-8.
fn drop_letter(line: &mut Vec<u8>) {
    while let Some(byte) = line.pop() {
        if byte & 0b1100_0000 != 0b1000_0000 {
            return;
        }
    }
}

/// A terminal that shows nothing of what is typed, until dropped.
struct Silent<'terminal> {
    terminal: BorrowedFd<'terminal>,
    before: Termios,
}

impl<'terminal> Silent<'terminal> {
    fn new(terminal: BorrowedFd<'terminal>) -> Result<Self, Errno> {
        let before = tcgetattr(terminal)?;
        let mut modes = before.clone();
        // Without signals: an interrupt must not leave the terminal silent.
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

impl Drop for Silent<'_> {
    fn drop(&mut self) {
        // A terminal that is gone needs no mending.
        let _ = tcsetattr(self.terminal, OptionalActions::Drain, &self.before);
    }
}

fn print(text: &str) {
    // A person who closed standard error knows what to type.
    let _ = stderr().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_of_several_bytes_goes_at_once() {
        let mut line = "aü".as_bytes().to_vec();
        drop_letter(&mut line);
        assert_eq!(line, b"a");
        drop_letter(&mut line);
        drop_letter(&mut line);
        assert!(line.is_empty());
    }
}
