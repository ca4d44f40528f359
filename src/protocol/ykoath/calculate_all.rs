//! CALCULATE ALL, used for the properties of the credentials; its codes are dropped.
//!
//! It is the only command that returns which credentials require a touch and how long their codes are. It does not
//! advance HOTP counters, and it waits for no touch.

use super::{CredentialId, tag};
use crate::iso7816::{Command, tlv};
use crate::oath::{Error, Touch};
use crate::otp::{Digits, Step};

/// The properties of one credential in the response of CALCULATE ALL.
pub(super) struct Entry {
    pub(super) id: CredentialId,
    pub(super) touch: Touch,
    pub(super) digits: Option<Digits>,
}

/// The command with the first step. Any step would do, but the first one cannot affect a credential that accepts only
/// increasing challenges.
pub(super) fn command() -> Result<Command, Error> {
    let mut data = zeroize::Zeroizing::new(Vec::new());
    tlv::write(&mut data, tag::CHALLENGE, &Step(0).challenge());
    Ok(Command::new(0xa4, 0x00, 0x01, std::mem::take(&mut *data))?)
}

/// Parses the response. Each name comes before its result; other elements are skipped.
pub(super) fn parse(data: &[u8]) -> Result<Vec<Entry>, Error> {
    let mut entries = Vec::new();
    let mut name = None;
    for element in tlv::read(data) {
        let element = element?;
        let touch = match element.tag {
            tag::NAME => {
                name = CredentialId::new(element.value).ok();
                continue;
            }
            tag::TOUCH => Touch::Yes,
            tag::FULL_RESPONSE | tag::TRUNCATED_RESPONSE => Touch::No,
            tag::NO_RESPONSE => Touch::Unknown,
            _ => continue,
        };
        let digits = element.value.first().and_then(|digits| Digits::new(*digits).ok());
        entries.extend(name.take().map(|id| Entry { id, touch, digits }));
    }
    Ok(entries)
}
