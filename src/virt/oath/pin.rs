//! The PIN of Nitrokey's secrets application, and the authorisation that VERIFY PIN gives.

use super::input::Input;
use super::{Data, tag};
use crate::iso7816::{Status, status};
use crate::secret::{SecretBytes, SecretText};

/// The number of attempts with a new PIN, and after each correct one.
const ATTEMPTS: u8 = 8;

/// The PIN, and whether the next command may use what it protects.
///
/// The token binds the authorisation to no client: the next command has it, on whichever interface it arrives.
pub(super) struct Pin {
    pin: Option<SecretBytes>,
    attempts: u8,
    authorised: bool,
}

/// A VERIFY PIN that waits for its touch.
pub(in super::super) struct Verification {
    pin: SecretBytes,
}

impl Pin {
    pub(super) fn new(pin: Option<&SecretText>) -> Self {
        let pin = pin.map(|pin| SecretBytes::new(pin.expose().as_bytes().to_vec()));
        Self { pin, attempts: ATTEMPTS, authorised: false }
    }

    /// Another program changes the PIN.
    pub(super) fn change(&mut self, pin: &SecretText) {
        *self = Self::new(Some(pin));
    }

    /// The number of attempts left; `None` if no PIN is set.
    pub(super) fn attempts(&self) -> Option<u8> {
        self.pin.as_ref().map(|_| self.attempts)
    }

    /// Takes the authorisation, which one command uses up whether it needs it or not.
    pub(super) fn take_authorisation(&mut self) -> bool {
        std::mem::take(&mut self.authorised)
    }

    /// VERIFY PIN, until the touch.
    pub(super) fn read(data: &[u8]) -> Result<Verification, Status> {
        let mut input = Input::new(data);
        let pin = SecretBytes::new(input.element(tag::PIN)?.to_vec());
        input.end()?;
        Ok(Verification { pin })
    }

    /// VERIFY PIN, after the touch. A wrong PIN and a blocked one have the same status word.
    pub(super) fn verify(&mut self, verification: &Verification) -> Data {
        // What the firmware answers without a PIN was not measured.
        let pin = self.pin.as_ref().ok_or(status::CONDITIONS_NOT_SATISFIED)?;
        let left = self.attempts.checked_sub(1).ok_or(status::VERIFICATION_FAILED)?;
        if *pin != verification.pin {
            self.attempts = left;
            return Err(status::VERIFICATION_FAILED);
        }
        self.attempts = ATTEMPTS;
        self.authorised = true;
        Ok(zeroize::Zeroizing::default())
    }
}
