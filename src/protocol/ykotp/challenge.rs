//! The payload of a challenge.

use super::frame::PAYLOAD;
use crate::otp::Step;

/// The payload for a time step: the step in 8 bytes, and padding.
///
/// A slot set up for short challenges, as by ykman, drops all last bytes that equal the very last one. So the padding
/// differs from the last byte of the step, and the significant bytes of the payload are always exactly 8 and never 64:
/// a key drops at least the last byte of a full payload.
pub(super) fn payload(step: Step) -> [u8; PAYLOAD] {
    let challenge = step.challenge();
    let padding = u8::from(challenge.last() == Some(&0));
    let mut payload = [padding; PAYLOAD];
    payload.iter_mut().zip(challenge).for_each(|(to, from)| *to = from);
    payload
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the key drops.
    fn significant(payload: &[u8; PAYLOAD]) -> &[u8] {
        let last = payload[PAYLOAD - 1];
        let end = payload.iter().rposition(|byte| *byte != last).map_or(0, |place| place + 1);
        &payload[..end]
    }

    #[test]
    fn exactly_the_step_is_significant() {
        for step in [0, 1, 59 / 30, 255, 256, 257, 0x0101_0101_0101_0101, u64::MAX, 60_000_000] {
            let payload = payload(Step(step));
            assert_eq!(significant(&payload), step.to_be_bytes(), "step {step}");
        }
    }
}
