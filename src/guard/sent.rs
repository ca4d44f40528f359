//! The codes that were sent or claimed in the last few time steps, for all credentials.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Mutex;

use super::{Now, Unavailable};
use crate::otp::{Algorithm, Code, Period, Step};
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
    period: Period,
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
    /// later one loses a step. Codes of steps that are more than 4 steps from `now` are dropped. The steps have the period
    /// of `now`.
    pub fn first_time(&self, step: Step, code: &Code, now: Now) -> bool {
        let new = self.entry(step, code, now.period());
        let mut sent = self.sent.lock().ignore_poison();
        sent.retain(|old| old.step.0.abs_diff(Step::at(now.time(), old.period).0) <= KEPT_STEPS);
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
    pub fn take_back(&self, step: Step, code: &Code, period: Period) {
        let entry = self.entry(step, code, period);
        self.sent.lock().ignore_poison().retain(|old| *old != entry);
    }

    fn entry(&self, step: Step, code: &Code, period: Period) -> Sent {
        // The step has a fixed length, so different inputs give different messages.
        let mut message = zeroize::Zeroizing::new(Vec::with_capacity(32));
        message.extend_from_slice(&step.challenge());
        message.extend_from_slice(code.expose().as_bytes());
        let digest = Algorithm::Sha256.hmac(self.key.expose(), &message);
        let mut hash = [0; 32];
        for (to, from) in hash.iter_mut().zip(digest.iter()) {
            *to = *from;
        }
        Sent { period, step, hash }
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

    /// Sends a code of a step in that step.
    fn first(sent: &SentCodes, step: u64, code: &Code) -> bool {
        let period = Period::DEFAULT;
        sent.first_time(Step(step), code, Now::new(Step(step).start(period), period))
    }

    #[test]
    fn the_same_code_is_sent_once_in_a_step() {
        let sent = SentCodes::new().unwrap();
        assert!(first(&sent, 7, &code(1)));
        assert!(!first(&sent, 7, &code(1)));
        assert!(first(&sent, 8, &code(1)));
        assert!(first(&sent, 7, &code(2)));
    }

    #[test]
    fn codes_of_another_period_do_not_push_out_a_code() {
        let (sent, day) = (SentCodes::new().unwrap(), Period::new(86_400).unwrap());
        assert!(first(&sent, 60_000_000, &code(1)));
        let now = Now::new(Step(60_000_000).start(Period::DEFAULT), day);
        assert!(sent.first_time(now.step(), &code(1), now));
        assert!(!sent.first_time(now.step(), &code(1), now));
        assert!(!first(&sent, 60_000_000, &code(1)));
    }

    #[test]
    fn a_code_that_was_not_sent_may_be_sent() {
        let sent = SentCodes::new().unwrap();
        assert!(first(&sent, 7, &code(1)));
        sent.take_back(Step(7), &code(1), Period::DEFAULT);
        assert!(first(&sent, 7, &code(1)));
    }

    #[test]
    fn memory_is_bounded_also_when_the_clock_jumps() {
        let sent = SentCodes::new().unwrap();
        assert!(first(&sent, 1_000_000, &code(0)));
        for step in 0..3_000 {
            assert!(first(&sent, step, &code(1)));
            assert!(!first(&sent, step, &code(1)));
        }
        assert!(sent.sent.lock().unwrap().len() <= 5);
        for value in 0..3_000 {
            first(&sent, 9, &code(value));
        }
        assert_eq!(sent.sent.lock().unwrap().len(), MAX_KEPT_CODES);
    }

    #[test]
    fn debug_output_contains_no_code() {
        assert_eq!(format!("{:?}", SentCodes::new().unwrap()), "SentCodes(..)");
    }
}
