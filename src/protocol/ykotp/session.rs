//! The configured slots of one key as one of the families of tokens.

use super::keyboard::Keyboard;
use super::report::{SlotNumber, Status};
use crate::device::Progress;
use crate::oath::{
    Algorithm, Credential, CredentialName, Error, KeySlot, Kind, MovingFactor, OathSession, SelfDescription,
    Touch,
};
use crate::otp::{Code, Digits, Period, truncate};

/// The longest key of a slot in bytes (Yubico's manual, "HMAC-SHA1 challenge-response").
const MAX_KEY: usize = 20;

/// A slot that the user has set up for TOTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// The slot.
    pub number: SlotNumber,
    /// The issuer; may be empty.
    pub issuer: String,
    /// The account.
    pub account: String,
    /// The length of a code.
    pub digits: Digits,
    /// The period of a code.
    pub period: Period,
}

/// The configured slots of a key.
pub struct Session<'r> {
    keyboard: Keyboard<'r>,
    serial: u32,
    status: Status,
    slots: Vec<Slot>,
}

impl<'r> Session<'r> {
    /// A session with the key of this serial number. Reads the status, and sends no challenge.
    ///
    /// # Errors
    ///
    /// Those of [`Keyboard::status`].
    pub fn begin(mut keyboard: Keyboard<'r>, serial: u32, slots: Vec<Slot>) -> Result<Self, Error> {
        let status = keyboard.status()?;
        Ok(Self { keyboard, serial, status, slots })
    }
}

impl OathSession for Session<'_> {
    fn description(&self) -> SelfDescription {
        SelfDescription {
            version: Some(self.status.version),
            serial: Some(self.serial.to_string()),
            max_key: Some(MAX_KEY),
            ..SelfDescription::default()
        }
    }

    fn is_locked(&self) -> bool {
        false
    }

    fn unlock(&mut self, _keys: &KeySlot) -> Result<(), Error> {
        Ok(())
    }

    /// The slots of the configuration, also those that the key reports as empty: only a challenge shows what they do.
    fn list(&mut self) -> Result<Vec<Credential>, Error> {
        for slot in &self.slots {
            if !self.status.is_set_up(slot.number) {
                tracing::warn!(
                    "slot {} of the key {} is empty; set it up with \"ykman otp chalresp\"",
                    slot.number,
                    self.serial
                );
            }
        }
        Ok(self.slots.iter().map(credential).collect())
    }

    fn calculate(
        &mut self,
        credential: &Credential,
        factor: MovingFactor,
        progress: &dyn Progress,
    ) -> Result<Code, Error> {
        let is_it = |slot: &&Slot| name(slot.number) == credential.name.bytes;
        let slot = self.slots.iter().find(is_it).ok_or(Error::NoSuchCredential)?;
        let step = factor.step().ok_or(Error::Unsupported("its slots have no counters"))?;
        let digest = self.keyboard.hmac(slot.number, step, progress)?;
        let truncated = truncate(&digest).ok_or_else(|| Error::Malformed("a short digest".to_owned()))?;
        Ok(Code::decimal(truncated, slot.digits))
    }
}

fn credential(slot: &Slot) -> Credential {
    Credential {
        name: CredentialName {
            bytes: name(slot.number),
            issuer: slot.issuer.clone(),
            account: slot.account.clone(),
            period: slot.period,
        },
        kind: Kind::Totp,
        algorithm: Algorithm::Sha1,
        digits: slot.digits,
        digits_known: true,
        // The touch bit of the status has another meaning on some keys.
        touch: Touch::Unknown,
        is_pin_protected: false,
    }
}

/// The bytes that identify a slot among those of its key. They stay the same when the configuration renames it.
fn name(slot: SlotNumber) -> Vec<u8> {
    format!("slot {slot}").into_bytes()
}
