//! Command APDUs with up to 255 bytes of data (ISO/IEC 7816-4 §5.1).

use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

/// A command APDU. Its data may be a secret, so it is wiped on drop and never printed.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Command {
    class: u8,
    instruction: u8,
    p1: u8,
    p2: u8,
    data: Vec<u8>,
    le: Option<u8>,
    is_extended: bool,
    is_once: bool,
}

impl Command {
    /// The maximum length of the data of a short APDU, in bytes.
    pub const MAX_DATA: usize = 255;

    /// A command of class 00 with data of 0 to 255 bytes.
    ///
    /// # Errors
    ///
    /// [`TooLong`] for more.
    pub fn new(instruction: u8, p1: u8, p2: u8, data: Vec<u8>) -> Result<Self, TooLong> {
        if data.len() > Self::MAX_DATA {
            return Err(TooLong { bytes: data.len() });
        }
        Ok(Self { class: 0, instruction, p1, p2, data, le: Some(0), is_extended: false, is_once: false })
    }

    /// A command of class 00 without data.
    pub const fn bare(instruction: u8, p1: u8, p2: u8) -> Self {
        Self {
            class: 0,
            instruction,
            p1,
            p2,
            data: Vec::new(),
            le: Some(0),
            is_extended: false,
            is_once: false,
        }
    }

    pub(super) fn from_static(instruction: u8, p1: u8, p2: u8, data: &'static [u8]) -> Self {
        Self {
            class: 0,
            instruction,
            p1,
            p2,
            data: data.to_vec(),
            le: Some(0),
            is_extended: false,
            is_once: false,
        }
    }

    /// The same command of another class.
    #[must_use]
    pub fn of_class(mut self, class: u8) -> Self {
        self.class = class;
        self
    }

    /// The same command with this Le: the maximum length of the response in bytes, 00 for 256, or none.
    #[must_use]
    pub fn with_le(mut self, le: Option<u8>) -> Self {
        self.le = le;
        self
    }

    /// The same command with extended length fields. They change nothing if it has no data.
    #[must_use]
    pub fn extended(mut self) -> Self {
        self.is_extended = true;
        self
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

    /// The first parameter byte, which tells SELECT from another command with its instruction byte.
    pub fn p1(&self) -> u8 {
        self.p1
    }

    /// The length of the data in bytes.
    pub fn data_len(&self) -> usize {
        self.data.len()
    }

    /// The APDU as it is sent. It has Le 00 if nothing else is set, because some cards limit their response by Le.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(9 + self.data.len());
        let is_extended = self.is_extended && !self.data.is_empty();
        bytes.extend([self.class, self.instruction, self.p1, self.p2]);
        // `new` accepts at most 255 bytes; without data there is no Lc.
        if let Ok(length @ 1..) = u8::try_from(self.data.len()) {
            bytes.extend(is_extended.then_some([0, 0]).iter().flatten());
            bytes.push(length);
            bytes.extend(&self.data);
        }
        // The extended form of 00 is 01 00.
        let high = self.le.filter(|_| is_extended).map(|le| u8::from(le == 0));
        bytes.extend(high.into_iter().chain(self.le));
        bytes
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Command({:02X} {:02X} {:02X} {:02X}, {} bytes)",
            self.class,
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
    fn another_class_has_its_bytes_with_or_without_le() {
        let command = Command::new(0xc5, 0x05, 0x04, vec![0; 2]).unwrap().of_class(0x80);
        assert_eq!(command.clone().with_le(Some(7)).to_bytes(), [0x80, 0xc5, 0x05, 0x04, 2, 0, 0, 7]);
        assert_eq!(command.with_le(None).to_bytes(), [0x80, 0xc5, 0x05, 0x04, 2, 0, 0]);
    }

    #[test]
    fn extended_length_fields_have_three_bytes_and_two() {
        let command = Command::new(0xc5, 0x05, 0, vec![7; 2]).unwrap().extended();
        assert_eq!(command.clone().with_le(None).to_bytes(), [0, 0xc5, 0x05, 0, 0, 0, 2, 7, 7]);
        assert_eq!(command.clone().with_le(Some(9)).to_bytes(), [0, 0xc5, 0x05, 0, 0, 0, 2, 7, 7, 0, 9]);
        assert_eq!(command.to_bytes(), [0, 0xc5, 0x05, 0, 0, 0, 2, 7, 7, 1, 0]);
        assert_eq!(Command::bare(0xa1, 0, 0).extended().to_bytes(), [0, 0xa1, 0, 0, 0]);
    }

    #[test]
    fn data_ends_at_255_bytes() {
        assert!(Command::new(1, 0, 0, vec![0; 255]).is_ok());
        assert_eq!(Command::new(1, 0, 0, vec![0; 256]), Err(TooLong { bytes: 256 }));
    }

    #[test]
    fn debug_output_contains_no_data() {
        let command = Command::new(0xa3, 0, 0, vec![0x77; 3]).unwrap();
        assert_eq!(format!("{command:?}"), "Command(00 A3 00 00, 3 bytes)");
    }
}
