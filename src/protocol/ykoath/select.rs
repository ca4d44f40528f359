//! SELECT of the OATH application.

use super::{Error, tag};
use crate::iso7816::{Response, Status, tlv};

/// What a token tells when its OATH application is selected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// The version that the application claims: a YubiKey's firmware; of others it says nothing about features.
    pub version: Option<[u8; 3]>,
    /// The salt of the access key, usually 8 random bytes that change on reset only. A Nitrokey 3 with a PIN
    /// sends none.
    pub salt: Option<Vec<u8>>,
    /// What VALIDATE has to answer; only there when an access key is set. New on every SELECT.
    pub challenge: Option<Vec<u8>>,
    /// A Nitrokey 3's serial number, 4 bytes.
    pub serial: Option<Vec<u8>>,
    /// How many tries a Nitrokey 3's PIN has left; only there when a PIN is set.
    pub attempts_left: Option<u8>,
}

pub(super) const INSTRUCTION: u8 = 0xa4;

pub(super) fn parse(response: &Response) -> Result<Selection, Error> {
    match response.status {
        Status::OK => {}
        Status(0x6a82 | 0x6999 | 0x6d00 | 0x6b00) => return Err(Error::NoApplication),
        status => return Err(Error::Status { instruction: INSTRUCTION, status }),
    }
    let mut selection = Selection::default();
    for element in tlv::read(&response.data) {
        let element = element?;
        match element.tag {
            tag::VERSION => selection.version = element.value.first_chunk().copied(),
            tag::NAME => selection.salt = non_empty(element.value),
            tag::CHALLENGE => selection.challenge = Some(element.value.to_vec()),
            tag::SERIAL => selection.serial = non_empty(element.value),
            tag::ATTEMPTS_LEFT => selection.attempts_left = element.value.first().copied(),
            _ => {}
        }
    }
    // Some cards say 9000 to any name: without one of YKOATH's own elements this is another application.
    if selection == Selection::default() { Err(Error::NoApplication) } else { Ok(selection) }
}

/// An empty salt or serial would make all such tokens one.
fn non_empty(value: &[u8]) -> Option<Vec<u8>> {
    (!value.is_empty()).then(|| value.to_vec())
}
