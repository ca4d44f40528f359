//! One stored credential.

use zeroize::Zeroizing;

use super::super::spec::{CredentialSpec, Kind};
use crate::iso7816::{Status, status};
use crate::otp::{Algorithm, truncate};
use crate::secret::SecretBytes;

/// A credential in the application's storage.
pub(super) struct Credential {
    pub(super) name: Vec<u8>,
    pub(super) algorithm: Algorithm,
    pub(super) digits: u8,
    pub(super) key: SecretBytes,
    pub(super) touch: bool,
    /// Whether the PIN protects it.
    pub(super) is_protected: bool,
    pub(super) factor: Factor,
}

/// The moving factor of a credential.
pub(super) enum Factor {
    /// The host's challenge. With `Some` the challenge must increase, and this is the last one.
    Challenge(Option<Vec<u8>>),
    /// A counter, with the value for the next code.
    Counter(u64),
}

impl Credential {
    pub(super) fn from_spec(spec: &CredentialSpec) -> Self {
        Self {
            name: spec.id().into_bytes(),
            algorithm: spec.algorithm,
            digits: spec.digits.get(),
            key: spec.seed.clone(),
            touch: spec.touch,
            is_protected: spec.pin,
            factor: match spec.kind {
                Kind::Totp(_) => Factor::Challenge(None),
                Kind::Hotp(counter) => Factor::Counter(counter.into()),
            },
        }
    }

    /// Whether a command sees it. `authorised`: VERIFY PIN was the command before it.
    pub(super) fn is_visible(&self, authorised: bool) -> bool {
        authorised || !self.is_protected
    }

    /// The type and algorithm byte, as in LIST.
    pub(super) fn type_byte(&self) -> u8 {
        let kind = match self.factor {
            Factor::Counter(_) => 0x10,
            Factor::Challenge(_) => 0x20,
        };
        kind | match self.algorithm {
            Algorithm::Sha1 => 0x01,
            Algorithm::Sha256 => 0x02,
            Algorithm::Sha512 => 0x03,
        }
    }

    pub(super) fn counter(&self) -> Option<u64> {
        match self.factor {
            Factor::Counter(counter) => Some(counter),
            Factor::Challenge(_) => None,
        }
    }

    /// The next response: `[digits] [digest]`, or with the digest truncated to 31 bits. A counter increases.
    ///
    /// The challenge is used without padding.
    pub(super) fn respond(&mut self, challenge: &[u8], truncated: bool) -> super::Data {
        let digest = match &mut self.factor {
            Factor::Counter(counter) => {
                let digest = self.algorithm.hmac(self.key.expose(), &counter.to_be_bytes());
                *counter = counter.wrapping_add(1);
                digest
            }
            Factor::Challenge(last) => {
                check(challenge, last.as_deref())?;
                if let Some(last) = last {
                    *last = challenge.to_vec();
                }
                self.algorithm.hmac(self.key.expose(), challenge)
            }
        };
        let mut response = Zeroizing::new(Vec::with_capacity(1 + digest.len()));
        response.push(self.digits);
        if truncated {
            response.extend(truncate(&digest).unwrap_or_default().to_be_bytes());
        } else {
            response.extend_from_slice(&digest);
        }
        Ok(response)
    }
}

fn check(challenge: &[u8], last: Option<&[u8]>) -> Result<(), Status> {
    if !(1..=64).contains(&challenge.len()) {
        return Err(status::WRONG_DATA);
    }
    let significant = |bytes: &[u8]| {
        let digits: Vec<u8> = bytes.iter().copied().skip_while(|byte| *byte == 0).collect();
        (digits.len(), digits)
    };
    match last {
        Some(last) if significant(challenge) < significant(last) => {
            Err(status::SECURITY_STATUS_NOT_SATISFIED)
        }
        _ => Ok(()),
    }
}
