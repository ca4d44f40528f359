//! CALCULATE: one code of one credential.

use zeroize::Zeroizing;

use super::error::{done, malformed, means_locked};
use super::tag;
use crate::iso7816::{Command, Response, status, tlv};
use crate::oath::{Credential, Error, Kind, MovingFactor, Touch};
use crate::otp::{Code, Digits, truncate};

const INSTRUCTION: u8 = 0xa2;

pub(super) fn command(credential: &Credential, factor: MovingFactor) -> Result<Command, Error> {
    let challenge = match (credential.kind, factor) {
        (Kind::Totp | Kind::Steam, MovingFactor::Step(step)) => step.challenge().to_vec(),
        // Some tokens require the empty challenge, and all accept it.
        (Kind::Hotp, MovingFactor::Counter) => Vec::new(),
        (Kind::Hotp, MovingFactor::Step(_)) => {
            return Err(Error::Unsupported("the credential is counter-based"));
        }
        (Kind::Totp | Kind::Steam, MovingFactor::Counter) => {
            return Err(Error::Unsupported("the credential is time-based"));
        }
    };
    let truncated = u8::from(credential.kind != Kind::Steam);
    let mut data = Zeroizing::new(Vec::new());
    tlv::write(&mut data, tag::NAME, &credential.name.bytes);
    tlv::write(&mut data, tag::CHALLENGE, &challenge);
    Ok(Command::new(INSTRUCTION, 0x00, truncated, std::mem::take(&mut *data))?)
}

/// The code in the response to [`command`]. `locked`: the token requires VALIDATE, and it was not sent.
pub(super) fn parse(response: Response, credential: &Credential, locked: bool) -> Result<Code, Error> {
    match response.status {
        // A missing password and a missing touch have the same status word.
        status if means_locked(status) && !locked && credential.touch != Touch::No => {
            return Err(Error::TouchTimedOut);
        }
        status::DATA_INVALID | status::NOT_FOUND => return Err(Error::NoSuchCredential),
        status::INSTRUCTION_NOT_SUPPORTED if credential.kind == Kind::Steam => {
            return Err(Error::Unsupported(
                "the token does not return full responses, which codes of Steam require",
            ));
        }
        _ => {}
    }
    let response = done(INSTRUCTION, response)?;
    for element in tlv::read(&response.data) {
        let element = element?;
        match element.tag {
            tag::FULL_RESPONSE | tag::TRUNCATED_RESPONSE => {
                return code(element, credential.kind).ok_or_else(|| malformed("the code is unreadable"));
            }
            tag::NO_RESPONSE => {
                return Err(Error::Unsupported("the token does not calculate this kind of code"));
            }
            _ => {}
        }
    }
    Err(malformed("the response contains no code"))
}

fn code(element: tlv::Tlv<'_>, kind: Kind) -> Option<Code> {
    let (digits, result) = element.value.split_first()?;
    let truncated = match element.tag {
        tag::FULL_RESPONSE => truncate(result)?,
        _ => u32::from_be_bytes(result.try_into().ok()?),
    };
    Some(match kind {
        Kind::Steam => Code::steam(truncated),
        Kind::Totp | Kind::Hotp => Code::decimal(truncated, Digits::new(*digits).ok()?),
    })
}
