//! The OATH application (Yubico's YKOATH protocol): credentials, access code, calculation.

mod access;
mod calculate;
mod credential;
mod input;
mod manage;
mod pin;

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use self::access::Access;
use self::calculate::Calculation;
use self::credential::Credential;
use self::pin::{Pin, Verification};
use super::apdu::Request;
use super::flavour::Flavour;
use super::spec::TokenSpec;
use crate::iso7816::{Status, status, tlv};
use crate::secret::SecretText;

/// The application's state: the stored credentials, and the state of the current selection.
pub(super) struct Oath {
    flavour: Flavour,
    serial: u32,
    /// The number of salts so far. A reset gives a new salt; on some tokens, SELECT does as well.
    salts: u32,
    salt: [u8; 8],
    access: Access,
    pin: Pin,
    credentials: Vec<Credential>,
}

/// The outcome of a command.
pub(super) enum Reply {
    /// Data for the host, with the status word 9000.
    Data(Zeroizing<Vec<u8>>),
    /// A command that requires a touch first.
    Touch(Waiting),
}

/// A command that waits for a touch.
pub(super) enum Waiting {
    Calculation(Calculation),
    Verification(Verification),
}

pub(super) type Data = Result<Zeroizing<Vec<u8>>, Status>;

impl Oath {
    pub(super) fn new(spec: &TokenSpec) -> Self {
        let salt = salt(spec.serial, 0);
        Self {
            flavour: spec.flavour(),
            serial: spec.serial,
            salts: 0,
            salt,
            access: Access::new(spec.password.as_ref(), salt),
            pin: Pin::new(spec.pin.as_ref()),
            credentials: spec.credentials.iter().map(Credential::from_spec).collect(),
        }
    }

    pub(super) fn flavour(&self) -> &Flavour {
        &self.flavour
    }

    /// Power off: the authorisation of a PIN ends.
    pub(super) fn power_off(&mut self) {
        self.pin.take_authorisation();
    }

    /// SELECT: returns version, salt, and a challenge if an access code is set. It locks the application again.
    ///
    /// With a PIN, the number of attempts left is there instead of the salt.
    pub(super) fn select(&mut self) -> Zeroizing<Vec<u8>> {
        self.pin.take_authorisation();
        let mut answer = Zeroizing::new(Vec::new());
        if self.flavour.shows_serial {
            self.renew_salt();
        }
        tlv::write(&mut answer, tag::VERSION, &self.flavour.version);
        match self.pin.attempts() {
            Some(attempts) => tlv::write(&mut answer, tag::ATTEMPTS, &[attempts]),
            None => tlv::write(&mut answer, tag::NAME, &self.salt),
        }
        if let Some(challenge) = self.access.lock() {
            tlv::write(&mut answer, tag::CHALLENGE, &challenge);
            tlv::write(&mut answer, tag::ALGORITHM, &[access::ALGORITHM]);
        }
        if self.flavour.shows_serial {
            tlv::write(&mut answer, tag::SERIAL, &self.serial.to_be_bytes());
        }
        answer
    }

    /// Handles one command other than SELECT and SEND REMAINING.
    pub(super) fn command(&mut self, request: &Request<'_>) -> Result<Reply, Status> {
        if self.flavour.lacks.contains(&request.instruction) {
            return Err(status::INSTRUCTION_NOT_SUPPORTED);
        }
        let open = matches!(request.instruction, instruction::VALIDATE | instruction::RESET);
        if self.access.is_locked() && !open {
            return Err(self.flavour.locked);
        }
        parameters(request)?;
        let authorised = self.pin.take_authorisation();
        match request.instruction {
            instruction::PUT => self.put(request.data, authorised).map(done),
            instruction::DELETE => self.delete(request.data, authorised).map(done),
            instruction::SET_CODE => self.access.set_code(request.data).map(done),
            instruction::RESET => {
                self.reset();
                Ok(done(()))
            }
            instruction::RENAME => self.rename(request.data).map(done),
            instruction::LIST => Ok(Reply::Data(self.list(request.data, authorised))),
            instruction::CALCULATE => self.calculate(request, authorised),
            instruction::VALIDATE => {
                self.access.validate(request.data, self.flavour.wrong_code).map(Reply::Data)
            }
            instruction::VERIFY_PIN => {
                Pin::read(request.data).map(|pin| Reply::Touch(Waiting::Verification(pin)))
            }
            instruction::CALCULATE_ALL => self.calculate_all(request).map(Reply::Data),
            _ => Err(status::INSTRUCTION_NOT_SUPPORTED),
        }
    }

    /// Finishes a command after its touch.
    pub(super) fn finish(&mut self, waiting: &Waiting) -> Data {
        match waiting {
            Waiting::Calculation(calculation) => self.finish_calculation(calculation),
            Waiting::Verification(verification) => self.pin.verify(verification),
        }
    }

    /// Sets another PIN, as another program does.
    pub(super) fn change_pin(&mut self, pin: &SecretText) {
        self.pin.change(pin);
    }

    /// The moving factor of the next code of the HOTP credential `name`; `None` if there is no such credential.
    pub(super) fn hotp_counter(&self, name: &str) -> Option<u64> {
        self.credentials.iter().find(|credential| credential.name == name.as_bytes())?.counter()
    }

    /// Sets the salt and challenge of published examples.
    #[cfg(test)]
    pub(super) fn fix(&mut self, salt: [u8; 8], challenge: [u8; 8]) {
        self.salt = salt;
        self.access.fix_challenge(challenge);
    }

    fn reset(&mut self) {
        self.renew_salt();
        self.access = Access::new(None, self.salt);
        self.pin = Pin::new(None);
        self.credentials.clear();
    }

    fn renew_salt(&mut self) {
        self.salts = self.salts.wrapping_add(1);
        self.salt = salt(self.serial, self.salts);
    }
}

fn done((): ()) -> Reply {
    Reply::Data(Zeroizing::default())
}

/// Checks P1 and P2: zero, except for the truncation of the calculating commands and RESET's DE AD.
fn parameters(request: &Request<'_>) -> Result<(), Status> {
    let fits = match request.instruction {
        instruction::RESET => (request.p1, request.p2) == (0xde, 0xad),
        instruction::CALCULATE | instruction::CALCULATE_ALL => request.p1 == 0 && request.p2 <= 1,
        _ => (request.p1, request.p2) == (0, 0),
    };
    if fits { Ok(()) } else { Err(status::WRONG_P1_P2) }
}

/// The salt. It is random on a real token; here it is derived from the serial number, so that ids are stable.
fn salt(serial: u32, count: u32) -> [u8; 8] {
    let digest = Sha256::new()
        .chain_update("oathbridge virtual token")
        .chain_update(serial.to_be_bytes())
        .chain_update(count.to_be_bytes())
        .finalize();
    digest.first_chunk().copied().unwrap_or_default()
}

/// Instruction bytes.
mod instruction {
    pub(super) const PUT: u8 = 0x01;
    pub(super) const DELETE: u8 = 0x02;
    pub(super) const SET_CODE: u8 = 0x03;
    pub(super) const RESET: u8 = 0x04;
    pub(super) const RENAME: u8 = 0x05;
    pub(super) const LIST: u8 = 0xa1;
    pub(super) const CALCULATE: u8 = 0xa2;
    pub(super) const VALIDATE: u8 = 0xa3;
    pub(super) const CALCULATE_ALL: u8 = 0xa4;
    pub(super) const VERIFY_PIN: u8 = 0xb2;
}

/// Tags of the protocol.
mod tag {
    pub(super) const NAME: u8 = 0x71;
    pub(super) const LIST_ENTRY: u8 = 0x72;
    pub(super) const KEY: u8 = 0x73;
    pub(super) const CHALLENGE: u8 = 0x74;
    pub(super) const RESPONSE: u8 = 0x75;
    pub(super) const TRUNCATED: u8 = 0x76;
    pub(super) const NO_RESPONSE: u8 = 0x77;
    pub(super) const PROPERTY: u8 = 0x78;
    pub(super) const VERSION: u8 = 0x79;
    pub(super) const MOVING_FACTOR: u8 = 0x7a;
    pub(super) const ALGORITHM: u8 = 0x7b;
    pub(super) const TOUCH: u8 = 0x7c;
    pub(super) const PIN: u8 = 0x80;
    pub(super) const ATTEMPTS: u8 = 0x82;
    pub(super) const SERIAL: u8 = 0x8f;
}
