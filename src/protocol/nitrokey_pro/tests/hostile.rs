//! Any bytes are read without a panic.

use super::{Fake, sealed};
use crate::device::NoProgress;
use crate::oath::{MovingFactor, OathSession};
use crate::otp::Step;
use crate::protocol::nitrokey_pro::{Key, Model, Session};

/// Random numbers (Marsaglia, xorshift64).
fn random(state: &mut u64) -> u8 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    state.to_le_bytes()[3]
}

#[test]
fn random_data_of_valid_responses_cause_no_panic() {
    for seed in 1..200_u64 {
        let mut state = seed;
        let mut fake = Fake::new(move |sent, _| {
            let Some(request) = sent.last() else { return vec![0; 64] };
            let mut report = vec![0, request[0]];
            report.extend(&request[60..]);
            report.push(if seed % 2 == 0 { 0 } else { random(&mut state) % 10 });
            report.extend(std::iter::repeat_with(|| random(&mut state)).take(53));
            sealed(report)
        });
        let clock = fake.clock.clone();
        let key = Key::open(&mut fake, &*clock).unwrap();
        let Ok(mut session) = Session::begin(key, Model::Pro, Some("00ff")) else { continue };
        if let Ok(credentials) = session.list() {
            assert!(credentials.len() <= 18);
            for credential in credentials {
                let _ = session.calculate(&credential, MovingFactor::Step(Step(1)), &NoProgress);
            }
        }
    }
}
