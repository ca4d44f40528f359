//! Which codes were sent a moment ago, whatever credential they came from.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use super::Unavailable;
use crate::otp::{Algorithm, Code, Step};
use crate::secret::SecretBytes;

/// A server that accepts a code at all accepts it within a step or two of its own.
const REACH: u64 = 4;

/// What the quotas let through in that time is far less.
const MOST: usize = 1024;

/// The codes sent in the last few steps, as keyed hashes in memory.
///
/// The record on the disk knows credentials; this one also catches the same seed written to two tokens by
/// somebody else, which has two credentials but one code.
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
    /// Nothing sent yet, under a key of its own.
    ///
    /// # Errors
    ///
    /// [`Unavailable::NoRandomness`] when the system has none.
    pub fn new() -> Result<Self, Unavailable> {
        let mut key = vec![0; 32];
        getrandom::fill(&mut key).map_err(|_| Unavailable::NoRandomness)?;
        Ok(Self { key: SecretBytes::new(key), sent: Mutex::default() })
    }

    /// Notes that `code` of `step` goes out now; false if an equal one already went out in this step.
    ///
    /// It doesn't matter where to: one pool has many names (its id, an app client, an endpoint), and nobody can tell
    /// which of them mean the same. Two seeds whose codes are equal by chance, one time in a million, cost the later one a
    /// step. Codes of steps more than 4 away are dropped.
    pub fn first_time(&self, step: Step, code: &Code) -> bool {
        let new = self.entry(step, code);
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        sent.retain(|old| old.step.0.abs_diff(step.0) <= REACH);
        if sent.contains(&new) {
            return false;
        }
        if sent.len() >= MOST {
            sent.pop_front();
        }
        sent.push_back(new);
        true
    }

    /// The code was provably not sent after all.
    pub fn take_back(&self, step: Step, code: &Code) {
        let entry = self.entry(step, code);
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).retain(|old| *old != entry);
    }

    fn entry(&self, step: Step, code: &Code) -> Sent {
        // The step has a fixed length, so no two inputs read the same.
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
    fn the_same_code_goes_out_once_in_a_step() {
        let sent = SentCodes::new().unwrap();
        assert!(sent.first_time(Step(7), &code(1)));
        assert!(!sent.first_time(Step(7), &code(1)));
        assert!(sent.first_time(Step(8), &code(1)));
        assert!(sent.first_time(Step(7), &code(2)));
    }

    #[test]
    fn what_was_not_sent_may_be_sent() {
        let sent = SentCodes::new().unwrap();
        assert!(sent.first_time(Step(7), &code(1)));
        sent.take_back(Step(7), &code(1));
        assert!(sent.first_time(Step(7), &code(1)));
    }

    #[test]
    fn memory_stays_bounded_and_a_clock_that_jumps_is_survived() {
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
        assert_eq!(sent.sent.lock().unwrap().len(), MOST);
    }

    #[test]
    fn debug_says_nothing() {
        assert_eq!(format!("{:?}", SentCodes::new().unwrap()), "SentCodes(..)");
    }
}
