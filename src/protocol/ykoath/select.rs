//! SELECT of the OATH application.

use super::error::malformed;
use super::tag;
use crate::iso7816::{Response, Status, status, tlv};
use crate::oath::Error;

/// The response of a token to SELECT of its OATH application.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// The version of the application. On a YubiKey it is the firmware version; on other tokens it says nothing about
    /// their features.
    pub version: Option<[u8; 3]>,
    /// The salt of the access key, usually 8 random bytes that only a reset changes. A Nitrokey 3 sends another one
    /// at every SELECT and, with a PIN, none.
    pub salt: Option<Vec<u8>>,
    /// The challenge for VALIDATE, if an access key is set. Every SELECT returns a new one.
    pub challenge: Option<Vec<u8>>,
    /// A Nitrokey 3's serial number, 4 bytes.
    pub serial: Option<Vec<u8>>,
    /// The number of PIN attempts left on a Nitrokey 3, if a PIN is set.
    pub attempts_left: Option<u8>,
}

impl Selection {
    /// The first version of Nitrokey's secrets application whose list has the properties of the credentials.
    const LISTS_PROPERTIES: [u8; 3] = [4, 11, 0];

    /// Whether a PIN is set.
    pub(super) fn has_pin(&self) -> bool {
        self.attempts_left.is_some()
    }

    /// Whether the application is that of Trussed keys. Only it sends a serial number, or a number of attempts.
    pub(super) fn is_trussed(&self) -> bool {
        self.serial.is_some() || self.attempts_left.is_some()
    }

    /// Whether LIST takes the option to add the properties. Only Nitrokey's secrets application has it.
    pub(super) fn lists_properties(&self) -> bool {
        self.is_trussed() && self.version.is_some_and(|version| version >= Self::LISTS_PROPERTIES)
    }
}

/// The maximum lengths of what a token sends about itself, in bytes. Real tokens send 8, 8 and 4; the daemon keeps these
/// values and publishes ids that are made of them.
const MAX_SALT: usize = 64;
const MAX_CHALLENGE: usize = 64;
const MAX_SERIAL: usize = 16;

pub(super) fn parse(response: &Response) -> Result<Selection, Error> {
    match response.status {
        Status::OK => {}
        status::NOT_FOUND
        | status::SELECT_FAILED
        | status::INSTRUCTION_NOT_SUPPORTED
        | status::WRONG_P1_P2 => return Err(Error::NoApplication),
        status => {
            return Err(Error::NotSelected(format!("the selection was refused with status {status}")));
        }
    }
    let mut selection = Selection::default();
    for element in tlv::read(&response.data) {
        let element = element?;
        match element.tag {
            tag::VERSION => selection.version = element.value.first_chunk().copied(),
            tag::NAME => selection.salt = non_empty(within(MAX_SALT, element.value)?),
            tag::CHALLENGE => selection.challenge = Some(within(MAX_CHALLENGE, element.value)?.to_vec()),
            tag::SERIAL => selection.serial = non_empty(within(MAX_SERIAL, element.value)?),
            tag::ATTEMPTS_LEFT => selection.attempts_left = element.value.first().copied(),
            _ => {}
        }
    }
    // Some cards return 9000 for every name. Without an element of YKOATH this is another application.
    if selection == Selection::default() { Err(Error::NoApplication) } else { Ok(selection) }
}

/// A value that is not longer than any real one.
fn within(limit: usize, value: &[u8]) -> Result<&[u8], Error> {
    if value.len() <= limit { Ok(value) } else { Err(malformed("a value of the token is too long")) }
}

/// A value that is not empty. An empty salt or serial number would give all such tokens the same identity.
fn non_empty(value: &[u8]) -> Option<Vec<u8>> {
    (!value.is_empty()).then(|| value.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The response with one element of this length.
    fn selection(tag: u8, length: usize) -> Result<Selection, Error> {
        let mut data = zeroize::Zeroizing::new(vec![tag::VERSION, 3, 5, 4, 3]);
        tlv::write(&mut data, tag, &vec![7; length]);
        parse(&Response { data: data.to_vec(), status: Status::OK })
    }

    #[test]
    fn values_that_no_real_token_sends_are_refused() {
        for (tag, limit) in [(tag::NAME, 64), (tag::CHALLENGE, 64), (tag::SERIAL, 16)] {
            assert!(selection(tag, limit).is_ok(), "{tag:x}");
            for length in [limit + 1, 255, 60_000] {
                assert!(matches!(selection(tag, length), Err(Error::Malformed(_))), "{tag:x} {length}");
            }
        }
    }
}
