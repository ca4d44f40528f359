//! A message that arrives in several reports.

use zeroize::Zeroizing;

use super::error::Error;
use super::frame::MAX_MESSAGE;

/// The part of a message that has arrived.
pub(super) struct Assembly {
    message: Zeroizing<Vec<u8>>,
    /// The length of the whole message.
    length: usize,
    /// The number of the next report.
    next: u8,
}

impl Assembly {
    /// A message of this length, from the data of its first report.
    pub(super) fn begin(length: usize, data: &[u8]) -> Result<Self, Error> {
        if length > MAX_MESSAGE {
            return Err(Error::Length(length));
        }
        // Growing the buffer later would leave an unwiped copy in memory.
        let mut assembly = Self { message: Zeroizing::new(Vec::with_capacity(length)), length, next: 0 };
        assembly.take(data);
        Ok(assembly)
    }

    /// Adds the data of the next report.
    pub(super) fn add(&mut self, number: u8, data: &[u8]) -> Result<(), Error> {
        if number != self.next {
            return Err(Error::Sequence { expected: self.next, received: number });
        }
        self.next += 1;
        self.take(data);
        Ok(())
    }

    /// The message, when it is complete.
    pub(super) fn finish(&mut self) -> Option<Zeroizing<Vec<u8>>> {
        (self.message.len() == self.length).then(|| std::mem::take(&mut self.message))
    }

    fn take(&mut self, data: &[u8]) {
        let missing = self.length - self.message.len();
        self.message.extend(data.iter().take(missing));
    }
}
