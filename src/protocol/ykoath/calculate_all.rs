//! CALCULATE ALL: here for what it tells of each credential, the codes themselves are thrown away.
//!
//! It is the only command that tells which credentials want a touch and how long their codes are. It doesn't
//! move HOTP counters, and credentials that want a touch don't ask for it.

use super::{CredentialId, Error, tag};
use crate::iso7816::{Command, tlv};
use crate::oath::Touch;
use crate::otp::{Digits, Step};

/// What CALCULATE ALL tells of one credential.
pub(super) struct Entry {
    pub(super) id: CredentialId,
    pub(super) touch: Touch,
    pub(super) digits: Option<Digits>,
}

/// Any step does, and the first one can't move a credential that takes rising challenges only.
pub(super) fn command() -> Result<Command, Error> {
    let mut data = zeroize::Zeroizing::new(Vec::new());
    tlv::write(&mut data, tag::CHALLENGE, &Step(0).challenge());
    Ok(Command::new(0xa4, 0x00, 0x01, std::mem::take(&mut *data))?)
}

/// Each name comes before its answer; whatever else is in between is skipped.
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
