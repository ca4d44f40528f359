//! CALCULATE and CALCULATE ALL.

use zeroize::Zeroizing;

use super::super::apdu::Request;
use super::credential::{Credential, Factor};
use super::input::Input;
use super::{Data, Oath, Reply, Waiting, tag};
use crate::iso7816::{Status, status, tlv};

/// A calculation that waits for a touch.
pub(in super::super) struct Calculation {
    name: Vec<u8>,
    challenge: Vec<u8>,
    truncated: bool,
}

impl Oath {
    /// CALCULATE: the response of one credential; for a credential that requires a touch, the calculation to finish.
    /// A protected credential does not exist without the authorisation.
    pub(super) fn calculate(&mut self, request: &Request<'_>, authorised: bool) -> Result<Reply, Status> {
        if request.p2 != 1 && !self.flavour.has_full_responses {
            return Err(status::INSTRUCTION_NOT_SUPPORTED);
        }
        let mut input = Input::new(request.data);
        let name = input.element(tag::NAME)?.to_vec();
        let is_it = |credential: &&Credential| credential.name == name && credential.is_visible(authorised);
        let touch = match self.credentials.iter().find(is_it) {
            Some(credential) => credential.touch,
            None => return Err(self.flavour.missing),
        };
        let challenge = input.element(tag::CHALLENGE)?.to_vec();
        input.end()?;
        let calculation = Calculation { name, challenge, truncated: request.p2 == 1 };
        if touch {
            return Ok(Reply::Touch(Waiting::Calculation(calculation)));
        }
        self.finish_calculation(&calculation).map(Reply::Data)
    }

    /// Finishes a calculation, after a touch if required.
    pub(super) fn finish_calculation(&mut self, calculation: &Calculation) -> Data {
        let Calculation { name, challenge, truncated } = calculation;
        let missing = self.flavour.missing;
        let credential =
            self.credentials.iter_mut().find(|credential| credential.name == *name).ok_or(missing)?;
        let response = credential.respond(challenge, *truncated)?;
        let mut answer = Zeroizing::new(Vec::new());
        tlv::write(&mut answer, response_tag(*truncated), &response);
        Ok(answer)
    }

    /// CALCULATE ALL: the responses of all TOTP credentials to one challenge. HOTP credentials and those that require a
    /// touch return only a marker, and no counter changes.
    pub(super) fn calculate_all(&mut self, request: &Request<'_>) -> Data {
        let mut input = Input::new(request.data);
        let challenge = input.element(tag::CHALLENGE)?;
        input.end()?;
        let truncated = request.p2 == 1;
        let mut answer = Zeroizing::new(Vec::new());
        for credential in &mut self.credentials {
            tlv::write(&mut answer, tag::NAME, &credential.name);
            match (&credential.factor, credential.touch) {
                (Factor::Counter(_), _) => tlv::write(&mut answer, tag::NO_RESPONSE, &[credential.digits]),
                (Factor::Challenge(_), true) => tlv::write(&mut answer, tag::TOUCH, &[credential.digits]),
                (Factor::Challenge(_), false) => {
                    let response = credential.respond(challenge, truncated)?;
                    tlv::write(&mut answer, response_tag(truncated), &response);
                }
            }
        }
        Ok(answer)
    }
}

fn response_tag(truncated: bool) -> u8 {
    if truncated { tag::TRUNCATED } else { tag::RESPONSE }
}
