//! Any bytes are read without a panic.

use super::{Fake, sealed};
use crate::clock::Clock;
use crate::device::NoProgress;
use crate::oath::{Kind, MovingFactor, OathSession};
use crate::otp::Step;
use crate::protocol::nitrokey_pro::{Key, Model, Session};

const READ_SLOT: u8 = 0x03;
const GET_CODE: u8 = 0x04;

/// Random numbers (Marsaglia, xorshift64).
fn random(state: &mut u64) -> u8 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    state.to_le_bytes()[3]
}

/// Random data of a response. A slot has the same ones each time, and a period of up to 255 s, so that it gives codes.
fn data(request: &[u8; 64], seed: u64, state: &mut u64) -> Vec<u8> {
    let mut of_slot = seed << 8 | u64::from(request[1]) | 1 << 63;
    let is_slot = request[0] == READ_SLOT;
    let state = if is_slot { &mut of_slot } else { state };
    let mut data: Vec<_> = std::iter::repeat_with(|| random(state)).take(53).collect();
    if is_slot {
        data[30..37].fill(0);
    }
    data
}

#[test]
fn random_data_of_valid_responses_cause_no_panic() {
    let mut codes = [0, 0];
    for seed in 1..200_u64 {
        let mut state = seed;
        let mut fake = Fake::new(move |sent, _| {
            let Some(request) = sent.last() else { return vec![0; 64] };
            let mut report = vec![0, request[0]];
            report.extend(&request[60..]);
            report.push(if seed % 2 == 0 { 0 } else { random(&mut state) % 10 });
            report.extend(data(request, seed, &mut state));
            sealed(report)
        });
        let clock = fake.clock.clone();
        let key = Key::open(&mut fake, &*clock).unwrap();
        let Ok(mut session) = Session::begin(key, Model::Pro, Some("00ff")) else { continue };
        let credentials = session.list().unwrap_or_default();
        assert!(credentials.len() <= 18);
        for credential in credentials {
            let factor = match credential.kind {
                Kind::Hotp => MovingFactor::Counter,
                _ => MovingFactor::Step(Step::at(clock.unix_time(), credential.name.period)),
            };
            let _ = session.calculate(&credential, factor, &NoProgress);
        }
        drop(session);
        for request in fake.sent.iter().filter(|request| request[0] == GET_CODE) {
            codes[usize::from(request[1] >= 0x20)] += 1;
        }
    }
    assert!(codes.iter().all(|codes| *codes > 100), "requests for codes of counters and steps: {codes:?}");
}
