//! Short command APDUs (ISO/IEC 7816-4 §5.1).

use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

/// A short command APDU of class 00. Its data may be a secret, so it is wiped on drop and never printed.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Command {
    instruction: u8,
    p1: u8,
    p2: u8,
    data: Vec<u8>,
    is_once: bool,
}

impl Command {
    /// The maximum length of the data of a short APDU, in bytes.
    pub const MAX_DATA: usize = 255;

    /// A command with data of 0 to 255 bytes.
    ///
    /// # Errors
    ///
    /// [`TooLong`] for more.
    pub fn new(instruction: u8, p1: u8, p2: u8, data: Vec<u8>) -> Result<Self, TooLong> {
        if data.len() > Self::MAX_DATA {
            return Err(TooLong { bytes: data.len() });
        }
        Ok(Self { instruction, p1, p2, data, is_once: false })
    }

    /// A command without data.
    pub const fn bare(instruction: u8, p1: u8, p2: u8) -> Self {
        Self { instruction, p1, p2, data: Vec::new(), is_once: false }
    }

    pub(super) fn from_static(instruction: u8, p1: u8, p2: u8, data: &'static [u8]) -> Self {
        Self { instruction, p1, p2, data: data.to_vec(), is_once: false }
    }

    /// The same command, which must not be sent a second time by itself, because the first one uses up its authorisation.
    pub fn once(mut self) -> Self {
        self.is_once = true;
        self
    }

    /// Whether the command must not be sent a second time by itself.
    pub fn is_once(&self) -> bool {
        self.is_once
    }

    /// The instruction byte, the only part of a command that may be logged.
    pub fn instruction(&self) -> u8 {
        self.instruction
    }

    /// The length of the data in bytes.
    pub fn data_len(&self) -> usize {
        self.data.len()
    }

    /// The APDU as it is sent. It always has Le 00, because some cards limit their response by Le.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(6 + self.data.len());
        bytes.extend([0x00, self.instruction, self.p1, self.p2]);
        // `new` accepts at most 255 bytes; without data there is no Lc.
        if let Ok(length @ 1..) = u8::try_from(self.data.len()) {
            bytes.push(length);
            bytes.extend(&self.data);
        }
        bytes.push(0x00);
        bytes
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Command({:02X} {:02X} {:02X}, {} bytes)",
            self.instruction,
            self.p1,
            self.p2,
            self.data.len()
        )
    }
}

/// More data than a short APDU can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{bytes} bytes are too long for a command of at most 255 bytes")]
pub struct TooLong {
    bytes: usize,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iso7816::Aid;

    #[test]
    fn select_has_the_documented_bytes_and_le() {
        let expected = [0x00, 0xa4, 0x04, 0x00, 0x07, 0xa0, 0x00, 0x00, 0x05, 0x27, 0x21, 0x01, 0x00];
        assert_eq!(Aid::OATH.select().to_bytes(), expected);
    }

    #[test]
    fn without_data_there_is_no_lc() {
        assert_eq!(Command::bare(0xa1, 0, 0).to_bytes(), [0x00, 0xa1, 0x00, 0x00, 0x00]);
    }

    #[test]
    fn data_ends_at_255_bytes() {
        assert!(Command::new(1, 0, 0, vec![0; 255]).is_ok());
        assert_eq!(Command::new(1, 0, 0, vec![0; 256]), Err(TooLong { bytes: 256 }));
    }

    #[test]
    fn debug_output_contains_no_data() {
        let command = Command::new(0xa3, 0, 0, vec![0x77; 3]).unwrap();
        assert_eq!(format!("{command:?}"), "Command(A3 00 00, 3 bytes)");
    }
}
