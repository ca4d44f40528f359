//! Codes of old firmware that require the user PIN.

use std::time::Duration;

use super::{Fake, busy, response, zeros};
use crate::clock::ManualClock;
use crate::device::NoProgress;
use crate::oath::{MovingFactor, OathSession, UnlockKey};
use crate::otp::Step;
use crate::protocol::nitrokey_pro::report::REPORT;
use crate::protocol::nitrokey_pro::{Authentication, Error, Key, Model, Session};
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
    let tail = fake.sent.split_off(fake.sent.len() - 5);
    let [authenticate, authorize, time, code, _name] = &tail[..] else { panic!("five requests") };
    let commands = [authenticate[0], authorize[0], time[0], code[0]];
    assert_eq!(commands, [AUTHENTICATE, AUTHORIZE, 0x0b, CODE]);
    assert_eq!(authorize[1..5], code[60..], "the checksum of the request for the code");
    assert_eq!(authorize[5..30], authenticate[26..51], "the temporary password");
    assert_eq!((&authenticate[1..8], code[19..60].iter().sum::<u8>()), (&b"123456\0"[..], 0));
}

/// What becomes of a PIN, by the answers to AUTHENTICATE and to the later requests for the attempts left.
#[test]
fn a_pin_is_right_only_if_the_token_says_so() {
    let wrong = |request: &[u8; REPORT]| response(request, 4, &[]);
    let damaged = |request: &[u8; REPORT]| {
        let mut report = response(request, 0, &[]);
        report[63] ^= 1;
        report
    };
    type Answer = fn(&[u8; REPORT]) -> Vec<u8>;
    let cases: [(Answer, Answer, Error); 6] = [
        (wrong, |request| response(request, 0, &[2]), Error::WrongPin(Some(2))),
        (wrong, |request| response(request, 0, &[0]), Error::PinBlocked),
        (wrong, |request| response(request, 0, &[0xff]), Error::WrongPin(None)),
        (wrong, damaged, Error::WrongPin(None)),
        (damaged, |_| zeros(), Error::PinUnproven),
        (|request| response(request, 1, &[]), |_| zeros(), Error::PinUnproven),
    ];
    for (to_pin, to_attempts, expected) in cases {
        let mut fake = Fake::new(move |sent, _| match sent.last() {
            None => zeros(),
            Some(request) if request[0] == AUTHENTICATE => to_pin(request),
            Some(request) => to_attempts(request),
        });
        let clock = fake.clock.clone();
        let result =
            Key::open(&mut fake, &*clock).unwrap().authenticate(Authentication::new(b"123456").unwrap());
        assert_eq!(result.err(), Some(expected));
        assert_eq!(fake.sent.iter().filter(|report| report[0] == AUTHENTICATE).count(), 1);
    }
}

#[test]
fn a_pin_that_was_not_sent_is_not_in_doubt() {
    let mut fake = Fake::new(|_, _| busy());
    let clock = fake.clock.clone();
    let result = Key::open(&mut fake, &*clock).unwrap().authenticate(Authentication::new(b"123456").unwrap());
    assert_eq!((result.err(), fake.sent.len()), (Some(Error::InUse), 0));
}

#[test]
fn only_a_number_of_attempts_that_a_card_can_have_is_one() {
    for (shown, expected) in [
        (0, Ok(0)),
        (3, Ok(3)),
        (4, Err(Error::NoCard)),
        (88, Err(Error::NoCard)),
        (0xff, Err(Error::NoCard)),
    ] {
        let mut fake = Fake::new(|sent, _| sent.last().map_or_else(zeros, |one| response(one, 0, &[shown])));
        let clock = fake.clock.clone();
        assert_eq!(Key::open(&mut fake, &*clock).unwrap().attempts(), expected);
    }
}
