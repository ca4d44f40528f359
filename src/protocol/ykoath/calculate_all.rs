//! CALCULATE ALL, used for the properties of the credentials; its codes are dropped.
//!
//! It is the only command that returns which credentials require a touch and how long their codes are. It does not
//! advance HOTP counters, and it waits for no touch.

use super::{CredentialId, list, tag};
use crate::iso7816::{Command, tlv};
use crate::oath::{Error, Touch};
use crate::otp::{Algorithm, Digits, Step};

/// The instruction is that of SELECT, which has another P1.
pub(super) const INSTRUCTION: u8 = 0xa4;
pub(super) const P1: u8 = 0x00;

/// The properties of one credential in the response of CALCULATE ALL.
pub(super) struct Entry {
    pub(super) id: CredentialId,
    pub(super) touch: Touch,
    pub(super) digits: Option<Digits>,
    /// Whether the credential is counter-based, for which there is no result.
    hotp: bool,
}

/// The command for a step.
pub(super) fn command(step: Step) -> Result<Command, Error> {
    let mut data = zeroize::Zeroizing::new(Vec::new());
    tlv::write(&mut data, tag::CHALLENGE, &step.challenge());
    Ok(Command::new(INSTRUCTION, P1, 0x01, std::mem::take(&mut *data))?)
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
        let hotp = element.tag == tag::NO_RESPONSE;
        entries.extend(name.take().map(|id| Entry { id, touch, digits, hotp }));
    }
    Ok(entries)
}

/// The entries as a list, for a token that cannot send its list; `None` if the kind of one is unknown.
///
/// No entry has an algorithm, so it is taken to be SHA-1, as that of nearly all credentials.
pub(super) fn listed(entries: &[Entry]) -> Option<Vec<list::Entry>> {
    let listed = |entry: &Entry| {
        // Some tokens have the same mark without digits for what is no credential.
        let is_known = !entry.hotp || entry.digits.is_some();
        is_known.then(|| list::Entry {
            id: entry.id.clone(),
            hotp: entry.hotp,
            algorithm: Algorithm::Sha1,
            touch: entry.touch,
            is_pin_protected: false,
        })
    };
    entries.iter().map(listed).collect()
}
