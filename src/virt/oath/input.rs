//! Parses a command's data element by element, in the order of the protocol.

use crate::iso7816::{Status, status, tlv};

/// The rest of a command's data.
pub(super) struct Input<'a> {
    rest: &'a [u8],
}

impl<'a> Input<'a> {
    pub(super) fn new(data: &'a [u8]) -> Self {
        Self { rest: data }
    }

    /// The value of the next element, which must have this tag.
    pub(super) fn element(&mut self, tag: u8) -> Result<&'a [u8], Status> {
        match tlv::split_first(self.rest) {
            Some((element, rest)) if element.tag == tag => {
                self.rest = rest;
                Ok(element.value)
            }
            _ => Err(status::WRONG_DATA),
        }
    }

    /// The value of the next element, if it has this tag.
    pub(super) fn optional(&mut self, tag: u8) -> Result<Option<&'a [u8]>, Status> {
        if self.rest.first() == Some(&tag) { self.element(tag).map(Some) } else { Ok(None) }
    }

    /// The byte after this tag, if the tag is next; the property element has this form, without a length.
    pub(super) fn optional_byte(&mut self, tag: u8) -> Option<u8> {
        match self.rest {
            [first, byte, rest @ ..] if *first == tag => {
                self.rest = rest;
                Some(*byte)
            }
            _ => None,
        }
    }

    /// Checks that there is no more data.
    pub(super) fn end(&self) -> Result<(), Status> {
        if self.rest.is_empty() { Ok(()) } else { Err(status::WRONG_DATA) }
    }
}
