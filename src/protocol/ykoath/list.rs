//! LIST: names, types and algorithms.

use super::{CredentialId, tag};
use crate::iso7816::{Command, tlv};
use crate::oath::Error;
use crate::otp::Algorithm;

pub(super) const INSTRUCTION: u8 = 0xa1;

/// One entry of the list.
pub(super) struct Entry {
    pub(super) id: CredentialId,
    pub(super) hotp: bool,
    pub(super) algorithm: Algorithm,
}

pub(super) fn command() -> Command {
    Command::bare(INSTRUCTION, 0, 0)
}

/// The usable entries. Entries of unknown types are skipped, such as Nitrokey's password entries.
pub(super) fn parse(data: &[u8]) -> Result<Vec<Entry>, Error> {
    let mut entries = Vec::new();
    for element in tlv::read(data) {
        let element = element?;
        if element.tag == tag::LIST_ENTRY {
            entries.extend(entry(element.value));
        }
    }
    Ok(entries)
}

fn entry(value: &[u8]) -> Option<Entry> {
    let (kind, name) = value.split_first()?;
    let hotp = match kind >> 4 {
        1 => true,
        2 => false,
        _ => return None,
    };
    let algorithm = match kind & 0x0f {
        1 => Algorithm::Sha1,
        2 => Algorithm::Sha256,
        3 => Algorithm::Sha512,
        _ => return None,
    };
    Some(Entry { id: CredentialId::new(name).ok()?, hotp, algorithm })
}
