//! Codes of old firmware that require the user PIN.

use std::time::Duration;

use super::{Fake, response, zeros};
use crate::clock::ManualClock;
use crate::device::NoProgress;
use crate::oath::{MovingFactor, OathSession, UnlockKey};
use crate::otp::Step;
use crate::protocol::nitrokey_pro::{Key, Model, Session};
use crate::secret::SecretBytes;

/// Commands.
const CODE: u8 = 0x04;
const AUTHENTICATE: u8 = 0x0e;
const AUTHORIZE: u8 = 0x10;

/// Firmware 0.7 allows one request for a code, which it knows by its checksum.
#[test]
fn old_firmware_is_given_the_password_with_a_request_of_its_own() {
    let mut slot = [0; 37];
    (slot[0], slot[29]) = (b'a', 30);
    let status = [7, 0, 1, 0, 0, 0, 0xff, 0xff, 0xff, 1];
    let mut fake = Fake::new(move |sent, _| match sent.last() {
        None => zeros(),
        Some(request) => match request[0] {
            0x00 => response(request, 0, &status),
            0x03 => response(request, 0, &slot),
            0x0f => response(request, 0, &[3]),
            _ => response(request, 0, &[]),
        },
    });
    let clock = ManualClock::at(Duration::from_secs(59));
    let mut session = Session::begin(Key::open(&mut fake, &clock).unwrap(), Model::Pro, None).unwrap();
    assert_eq!(session.description().max_key, Some(20));
    let pin = UnlockKey::new(SecretBytes::new(b"123456".to_vec()));
    session.unlock(&pin.into()).unwrap();
    let listed = session.list().unwrap();
    session.calculate(&listed[0], MovingFactor::Step(Step(1)), &NoProgress).unwrap();
    drop(session);
    let tail = fake.sent.split_off(fake.sent.len() - 4);
    let [authenticate, authorize, time, code] = &tail[..] else { panic!("four requests") };
    let commands = [authenticate[0], authorize[0], time[0], code[0]];
    assert_eq!(commands, [AUTHENTICATE, AUTHORIZE, 0x0b, CODE]);
    assert_eq!(authorize[1..5], code[60..], "the checksum of the request for the code");
    assert_eq!(authorize[5..30], authenticate[26..51], "the temporary password");
    assert_eq!((&authenticate[1..8], code[19..60].iter().sum::<u8>()), (&b"123456\0"[..], 0));
}
