//! The codes that were sent in the last few time steps, for all credentials.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Mutex;

use super::Unavailable;
use crate::otp::{Algorithm, Code, Step};
use crate::secret::SecretBytes;
use crate::sync::IgnorePoison;

/// The number of steps for which a sent code is kept. A server accepts a code only within a step or two of its own.
const KEPT_STEPS: u64 = 4;

/// The maximum number of kept codes; the quotas allow far fewer in that time.
const MAX_KEPT_CODES: usize = 1024;

/// The codes sent in the last few steps, as keyed hashes in memory.
///
/// The record on the disk is by credential. This one also detects the same seed on two tokens: two credentials with the
/// same code.
pub struct SentCodes {
    key: SecretBytes,
    sent: Mutex<VecDeque<Sent>>,
}

#[derive(PartialEq, Eq)]
struct Sent {
    step: Step,
    hash: [u8; 32],
}

impl SentCodes {
    /// An empty set with a new random key.
    ///
    /// # Errors
    ///
    /// [`Unavailable::NoRandomness`] if the system provides no random numbers.
    pub fn new() -> Result<Self, Unavailable> {
        let mut key = vec![0; 32];
        getrandom::fill(&mut key).map_err(|_| Unavailable::NoRandomness)?;
        Ok(Self { key: SecretBytes::new(key), sent: Mutex::default() })
    }

    /// Records that `code` of `step` is sent now; false if an equal code was already sent in this step.
    ///
    /// The destination does not matter: one user pool has many names (its id, an app client, an endpoint), and the daemon
    /// cannot know which of them are the same pool. If the codes of two seeds are equal by chance, once in a million, the
    /// later one loses a step. Codes of steps that are more than 4 steps away are dropped.
    pub fn first_time(&self, step: Step, code: &Code) -> bool {
        let new = self.entry(step, code);
        let mut sent = self.sent.lock().ignore_poison();
        sent.retain(|old| old.step.0.abs_diff(step.0) <= KEPT_STEPS);
        if sent.contains(&new) {
            return false;
        }
        if sent.len() >= MAX_KEPT_CODES {
            sent.pop_front();
        }
        sent.push_back(new);
        true
    }

    /// Removes a code that was provably not sent.
    pub fn take_back(&self, step: Step, code: &Code) {
        let entry = self.entry(step, code);
        self.sent.lock().ignore_poison().retain(|old| *old != entry);
    }

    fn entry(&self, step: Step, code: &Code) -> Sent {
        // The step has a fixed length, so different inputs give different messages.
        let mut message = zeroize::Zeroizing::new(Vec::with_capacity(32));
        message.extend_from_slice(&step.challenge());
        message.extend_from_slice(code.expose().as_bytes());
        let digest = Algorithm::Sha256.hmac(self.key.expose(), &message);
        let mut hash = [0; 32];
        for (to, from) in hash.iter_mut().zip(digest.iter()) {
            *to = *from;
        }
        Sent { step, hash }
    }
}

impl fmt::Debug for SentCodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SentCodes(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::otp::Digits;

    fn code(value: u32) -> Code {
        Code::decimal(value, Digits::SIX)
    }

    #[test]
    fn the_same_code_is_sent_once_in_a_step() {
        let sent = SentCodes::new().unwrap();
        assert!(sent.first_time(Step(7), &code(1)));
        assert!(!sent.first_time(Step(7), &code(1)));
        assert!(sent.first_time(Step(8), &code(1)));
        assert!(sent.first_time(Step(7), &code(2)));
    }

    #[test]
    fn a_code_that_was_not_sent_may_be_sent() {
        let sent = SentCodes::new().unwrap();
        assert!(sent.first_time(Step(7), &code(1)));
        sent.take_back(Step(7), &code(1));
        assert!(sent.first_time(Step(7), &code(1)));
    }

    #[test]
    fn memory_is_bounded_also_when_the_clock_jumps() {
        let sent = SentCodes::new().unwrap();
        assert!(sent.first_time(Step(1_000_000), &code(0)));
        for step in 0..3_000 {
            assert!(sent.first_time(Step(step), &code(1)));
            assert!(!sent.first_time(Step(step), &code(1)));
        }
        assert!(sent.sent.lock().unwrap().len() <= 5);
        for value in 0..3_000 {
            sent.first_time(Step(9), &code(value));
        }
        assert_eq!(sent.sent.lock().unwrap().len(), MAX_KEPT_CODES);
    }

    #[test]
    fn debug_output_contains_no_code() {
        assert_eq!(format!("{:?}", SentCodes::new().unwrap()), "SentCodes(..)");
    }
}
