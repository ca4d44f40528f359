//! LIST: names, types and algorithms.

use super::{CredentialId, tag};
use crate::iso7816::{Command, tlv};
use crate::oath::{Error, Touch};
use crate::otp::Algorithm;

pub(super) const INSTRUCTION: u8 = 0xa1;

/// One entry of the list.
pub(super) struct Entry {
    pub(super) id: CredentialId,
    pub(super) hotp: bool,
    pub(super) algorithm: Algorithm,
    /// From the properties.
    pub(super) touch: Touch,
    pub(super) is_pin_protected: bool,
}

/// Whether the response has the properties of each credential.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Type, algorithm and name.
    Plain,
    /// A byte of properties as well (Nitrokey's secrets application).
    WithProperties,
}

/// The properties of a credential that requires a touch, and of one that the PIN protects.
const TOUCH: u8 = 0x01;
const PIN_PROTECTED: u8 = 0x02;

pub(super) fn command(form: Form) -> Result<Command, Error> {
    match form {
        Form::Plain => Ok(Command::bare(INSTRUCTION, 0, 0)),
        Form::WithProperties => Ok(Command::new(INSTRUCTION, 0, 0, vec![0x01])?),
    }
}

/// The usable entries. Entries of unknown types are skipped, such as Nitrokey's password entries.
pub(super) fn parse(data: &[u8], form: Form) -> Result<Vec<Entry>, Error> {
    let mut entries = Vec::new();
    for element in tlv::read(data) {
        let element = element?;
        if element.tag == tag::LIST_ENTRY {
            entries.extend(entry(element.value, form));
        }
    }
    Ok(entries)
}

fn entry(value: &[u8], form: Form) -> Option<Entry> {
    let (kind, name) = value.split_first()?;
    let (name, touch, is_pin_protected) = match form {
        Form::Plain => (name, Touch::Unknown, false),
        Form::WithProperties => {
            let (properties, name) = name.split_last()?;
            // The token waits for a touch before it verifies the PIN.
            let touch = if properties & (TOUCH | PIN_PROTECTED) == 0 { Touch::No } else { Touch::Yes };
            (name, touch, properties & PIN_PROTECTED != 0)
        }
    };
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
    Some(Entry { id: CredentialId::new(name).ok()?, hotp, algorithm, touch, is_pin_protected })
}
