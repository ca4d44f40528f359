//! PUT, DELETE, RENAME and LIST.

use zeroize::Zeroizing;

use super::credential::{Credential, Factor};
use super::input::Input;
use super::{Oath, tag};
use crate::iso7816::{Status, status, tlv};
use crate::otp::Algorithm;
use crate::secret::SecretBytes;

/// Property bits of PUT.
const ONLY_INCREASING: u8 = 0x01;
const REQUIRE_TOUCH: u8 = 0x02;
const REQUIRE_PIN: u8 = 0x04;

/// Property bits of LIST.
const LISTED_TOUCH: u8 = 0x01;
const LISTED_PIN: u8 = 0x02;

impl Oath {
    /// PUT: stores a new credential, or replaces the one with the same name.
    pub(super) fn put(&mut self, data: &[u8], authorised: bool) -> Result<(), Status> {
        let credential = read_credential(data)?;
        if !credential.is_visible(authorised) {
            return Err(self.flavour.locked);
        }
        match self.position(&credential.name) {
            Some(place) if self.flavour.existing.is_none() => {
                self.credentials.splice(place..=place, [credential]).for_each(drop)
            }
            Some(_) => return Err(self.flavour.existing.unwrap_or(Status::OK)),
            None if self.credentials.len() >= self.flavour.capacity => return Err(status::NO_SPACE),
            None => self.credentials.push(credential),
        }
        Ok(())
    }

    pub(super) fn delete(&mut self, data: &[u8], authorised: bool) -> Result<(), Status> {
        let mut input = Input::new(data);
        let name = input.element(tag::NAME)?;
        input.end()?;
        let is_it = |credential: &Credential| credential.name == name && credential.is_visible(authorised);
        let place = self.credentials.iter().position(is_it).ok_or(self.flavour.missing)?;
        self.credentials.remove(place);
        Ok(())
    }

    /// RENAME: refused if the new name exists.
    pub(super) fn rename(&mut self, data: &[u8]) -> Result<(), Status> {
        if !self.flavour.renames {
            return Err(status::INSTRUCTION_NOT_SUPPORTED);
        }
        let mut input = Input::new(data);
        let old = input.element(tag::NAME)?;
        let new = read_name(&mut input)?;
        input.end()?;
        let place = self.position(old).ok_or(self.flavour.missing)?;
        if self.position(new).is_some() {
            return Err(status::DATA_INVALID);
        }
        if let Some(credential) = self.credentials.get_mut(place) {
            credential.name = new.to_vec();
        }
        Ok(())
    }

    /// LIST: type, algorithm and name of each credential, and on request its properties.
    pub(super) fn list(&self, data: &[u8], authorised: bool) -> Zeroizing<Vec<u8>> {
        let has_properties = self.flavour.lists_properties && data == [0x01];
        let mut answer = Zeroizing::new(Vec::new());
        for credential in self.credentials.iter().filter(|credential| credential.is_visible(authorised)) {
            let mut entry = [&[credential.type_byte()], credential.name.as_slice()].concat();
            entry.extend(has_properties.then_some(listed_properties(credential)));
            tlv::write(&mut answer, tag::LIST_ENTRY, &entry);
        }
        answer
    }

    fn position(&self, name: &[u8]) -> Option<usize> {
        self.credentials.iter().position(|credential| credential.name == name)
    }
}

fn listed_properties(credential: &Credential) -> u8 {
    let bit = |is_set: bool, bit: u8| if is_set { bit } else { 0 };
    bit(credential.touch, LISTED_TOUCH) | bit(credential.is_protected, LISTED_PIN)
}

fn read_credential(data: &[u8]) -> Result<Credential, Status> {
    let mut input = Input::new(data);
    let name = read_name(&mut input)?;
    let [type_byte, digits @ 6..=8, key @ ..] = input.element(tag::KEY)? else {
        return Err(status::WRONG_DATA);
    };
    let (algorithm, block) = match type_byte & 0x0f {
        0x01 => (Algorithm::Sha1, 64),
        0x02 => (Algorithm::Sha256, 64),
        0x03 => (Algorithm::Sha512, 128),
        _ => return Err(status::WRONG_DATA),
    };
    // Hosts pad shorter keys with zeros and hash longer ones; both result in the same HMAC.
    if !(14..=block).contains(&key.len()) {
        return Err(status::WRONG_DATA);
    }
    let property = input.optional_byte(tag::PROPERTY).unwrap_or_default();
    let counter = match input.optional(tag::MOVING_FACTOR)? {
        Some(value) => u32::from_be_bytes(value.try_into().map_err(|_| status::WRONG_DATA)?),
        None => 0,
    };
    input.end()?;
    let factor = match type_byte & 0xf0 {
        0x10 => Factor::Counter(counter.into()),
        0x20 => Factor::Challenge((property & ONLY_INCREASING != 0).then(Vec::new)),
        _ => return Err(status::WRONG_DATA),
    };
    Ok(Credential {
        name: name.to_vec(),
        algorithm,
        digits: *digits,
        key: SecretBytes::new(key.to_vec()),
        touch: property & REQUIRE_TOUCH != 0,
        is_protected: property & REQUIRE_PIN != 0,
        factor,
    })
}

fn read_name<'a>(input: &mut Input<'a>) -> Result<&'a [u8], Status> {
    match input.element(tag::NAME)? {
        name if (1..=64).contains(&name.len()) => Ok(name),
        _ => Err(status::WRONG_DATA),
    }
}
