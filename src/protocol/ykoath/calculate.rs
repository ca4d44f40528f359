//! CALCULATE: one code of one credential.

use std::time::Duration;

use zeroize::Zeroizing;

use super::error::{done, malformed, means_locked};
use super::tag;
use crate::iso7816::{Command, Response, Status, status, tlv};
use crate::oath::{Credential, Error, Kind, MovingFactor, Touch};
use crate::otp::{Code, Digits, truncate};

const INSTRUCTION: u8 = 0xa2;

/// A refusal after this time means that the touch did not come. It is that of Yubico Authenticator.
pub(super) const MISSED_TOUCH: Duration = Duration::from_secs(5);

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

/// What a token that is not locked may mean by the status word of a locked one.
pub(super) struct Circumstances {
    /// The time from the command to the response.
    pub(super) waited: Duration,
    /// Whether the token can have credentials that accept only increasing steps.
    pub(super) may_be_increasing: bool,
}

/// The code in the response to [`command`]. `unlocked`: no VALIDATE is missing.
pub(super) fn parse(
    response: Response,
    credential: &Credential,
    unlocked: Option<&Circumstances>,
) -> Result<Code, Error> {
    match (response.status, unlocked) {
        (status, Some(circumstances)) if means_locked(status) => {
            return Err(refusal(status, credential, circumstances));
        }
        _ => {}
    }
    match response.status {
        status::DATA_INVALID | status::NOT_FOUND => return Err(Error::NoSuchCredential),
        status::INSTRUCTION_NOT_SUPPORTED if credential.kind == Kind::Steam => {
            return Err(Error::Unsupported(
                "the token does not return full responses, which codes of Steam require",
            ));
        }
        // A Nitrokey 3 stores a key for SHA-512, and then calculates no code with it.
        status::FUNCTION_NOT_SUPPORTED => {
            return Err(Error::Unsupported("the token does not calculate codes with this hash algorithm"));
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

/// A missing touch, a step before the last one of an increasing credential, and a lost authorisation have the same status
/// word. A touch is missed after 15 s on all known tokens; the others are refused at once.
fn refusal(status: Status, credential: &Credential, circumstances: &Circumstances) -> Error {
    let is_time_based = credential.kind != Kind::Hotp;
    if circumstances.waited >= MISSED_TOUCH {
        Error::TouchTimedOut
    } else if is_time_based
        && circumstances.may_be_increasing
        && status == status::SECURITY_STATUS_NOT_SATISFIED
    {
        Error::UsedAhead
    } else if credential.touch == Touch::No {
        Error::Locked
    } else {
        Error::TouchTimedOut
    }
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
