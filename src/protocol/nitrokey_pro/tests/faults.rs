//! Each fault has its own error, within its deadline.

use std::sync::Arc;
use std::time::Duration;

use super::{Fake, busy, response, sealed, zeros};
use crate::clock::{Clock, ManualClock};
use crate::device;
use crate::oath::{self, OathSession};
use crate::otp::Step;
use crate::protocol::nitrokey_pro::report::{REPORT, Request};
use crate::protocol::nitrokey_pro::{CodeRequest, Error, Key, Model, Moment, Session, SlotNumber};

/// The result of a request for a code of a counter to a token with these answers, its duration, and the requests.
fn outcome(
    answer: impl FnMut(&[[u8; REPORT]], usize) -> Vec<u8> + Send,
) -> (Result<String, Error>, Duration, Vec<u8>) {
    outcome_of(&CodeRequest::new(SlotNumber::Hotp(0), None, None), answer)
}

/// The same for another request.
fn outcome_of(
    request: &CodeRequest,
    answer: impl FnMut(&[[u8; REPORT]], usize) -> Vec<u8> + Send,
) -> (Result<String, Error>, Duration, Vec<u8>) {
    let mut fake = Fake::new(answer);
    let clock = fake.clock.clone();
    let result = Key::open(&mut fake, &*clock).unwrap().code(request);
    assert!(!fake.is_locked, "the lock was released");
    let commands = fake.sent.iter().map(|report| report[0]).collect();
    (result.map(|code| code.expose().to_owned()), clock.monotonic(), commands)
}

/// The code 755224.
const CODE: [u8; 5] = [0x18, 0x86, 0x0b, 0x00, 0];

fn good(request: &[u8; REPORT]) -> Vec<u8> {
    response(request, 0, &CODE)
}

#[test]
fn a_token_that_works_for_some_time() {
    let (result, ..) = outcome(|sent, reads| match sent {
        [one] if reads > 30 => good(one),
        [_] => busy(),
        _ => zeros(),
    });
    assert_eq!(result, Ok("755224".to_owned()));
}

#[test]
fn a_wrong_checksum() {
    let (result, duration, commands) = outcome(|sent, _| match sent {
        [one] => {
            let mut report = good(one);
            report[63] ^= 1;
            report
        }
        _ => zeros(),
    });
    assert_eq!((result, commands), (Err(Error::Checksum), vec![4]));
    assert!((3_000..3_200).contains(&duration.as_millis()), "{duration:?}");
}

#[test]
fn a_report_that_changes_meanwhile_is_read_again() {
    let (result, ..) = outcome(|sent, reads| match sent {
        [one] if reads > 1 => good(one),
        _ => vec![0xa5; 64],
    });
    assert_eq!(result, Err(Error::InUse), "a5 is no state of a ready token");
    let (result, ..) = outcome(|sent, reads| match sent {
        [one] if reads > 1 => good(one),
        [one] => [&good(one)[..32], &[0x5a; 32]].concat(),
        _ => zeros(),
    });
    assert_eq!(result, Ok("755224".to_owned()));
}

#[test]
fn a_token_that_stays_busy() {
    let (result, duration, commands) = outcome(|_, _| busy());
    assert_eq!((result, commands), (Err(Error::InUse), vec![]), "nothing was sent");
    assert!((1_000..1_200).contains(&duration.as_millis()), "{duration:?}");
    let (result, duration, commands) = outcome(|sent, _| if sent.is_empty() { zeros() } else { busy() });
    assert_eq!((result, commands), (Err(Error::StaysBusy), vec![4]));
    assert!((3_000..3_200).contains(&duration.as_millis()), "{duration:?}");
}

#[test]
fn a_response_to_another_request() {
    // Also to the request of another program for the same.
    for command in [0x70, 4] {
        let other = sealed([&[0, command, 1, 2, 3, 4, 0][..], &CODE].concat());
        let (result, duration, commands) = outcome(|_, _| other.clone());
        assert_eq!(
            (result, commands),
            (Err(Error::NoResponse), vec![4]),
            "not sent again: the counter may advance"
        );
        assert!((3_000..3_200).contains(&duration.as_millis()), "{duration:?}");
    }
}

#[test]
fn an_old_response_to_the_same_request_is_not_taken_for_the_new_one() {
    // The request is the same whenever a code of a counter is requested.
    let mine = *Request::new(4, &[0x10]).report();
    let old = response(&mine, 0, &[1, 0, 0, 0, 0]);
    let (result, _, commands) = outcome(move |sent, reads| match sent {
        [] => old.clone(),
        [_] if reads <= 2 => old.clone(),
        [first] => response(first, 0, &[]),
        [first, _] if reads <= 2 => response(first, 0, &[]),
        [.., last] => good(last),
    });
    assert_eq!((result, commands), (Ok("755224".to_owned()), vec![2, 4]));
}

#[test]
fn short_long_and_empty_reports() {
    for length in [0, 1, 8, 63, 65, 200] {
        let (result, ..) = outcome(move |_, _| vec![0; length]);
        assert_eq!(result, Err(Error::ReportLength(length)));
        let (result, _, commands) =
            outcome(move |sent, _| if sent.is_empty() { zeros() } else { vec![0; length] });
        assert_eq!((result, commands), (Err(Error::ReportLength(length)), vec![4]));
    }
}

#[test]
fn a_damaged_request_is_sent_again_once_unless_it_must_not_run_twice() {
    // A Nitrokey Pro names the checksum that it calculated, and a Storage the one that it received.
    for echo in [[1, 2, 3, 4], [0; 4]] {
        let damaged = move |request: &[u8; REPORT]| {
            let mut report = response(request, 1, &[]);
            if echo != [0; 4] {
                report[2..6].copy_from_slice(&echo);
            }
            sealed(report[..60].to_vec())
        };
        let moment = Moment { step: Step(1), time: Duration::from_secs(59), period: 30 };
        let totp = CodeRequest::new(SlotNumber::Totp(0), Some(moment), None);
        let (result, _, commands) = outcome_of(&totp, move |sent, _| sent.last().map_or_else(zeros, damaged));
        assert_eq!((result, commands), (Err(Error::Damaged), vec![4, 4]));
        let (result, _, commands) = outcome_of(&totp, move |sent, _| match sent {
            [] => zeros(),
            [one] => damaged(one),
            [.., last] => good(last),
        });
        assert_eq!((result, commands), (Ok("755224".to_owned()), vec![4, 4]));
        // The response may be that to another program, and the counter may have advanced.
        let (result, _, commands) = outcome(move |sent, _| sent.last().map_or_else(zeros, damaged));
        assert_eq!((result, commands), (Err(Error::Damaged), vec![4]));
    }
}

/// Each transfer to a key that does not answer takes the 5 s of the kernel. After any other failure the code is replaced.
#[test]
fn a_code_is_not_overwritten_in_a_key_that_does_not_answer() {
    let text = String::new();
    for (failure, sent) in
        [(device::Error::NoAnswer(text.clone()), [4].as_slice()), (device::Error::Failed(text), &[4, 2])]
    {
        let mut fake = Fake::new(|sent, _| if sent.is_empty() { zeros() } else { Vec::new() });
        fake.failure = Some(failure.clone());
        let clock = fake.clock.clone();
        let mut key = Key::open(&mut fake, &*clock).unwrap();
        let result = key.code(&CodeRequest::new(SlotNumber::Hotp(0), None, None));
        assert_eq!(result.err(), Some(Error::Device(failure)));
        key.hide_code();
        drop(key);
        assert_eq!(fake.sent.iter().map(|report| report[0]).collect::<Vec<_>>(), sent);
    }
}

#[test]
fn a_refused_request_is_not_sent_again() {
    for (result, expected) in [
        (2, Error::Result { command: 4, result: 2 }),
        (3, Error::EmptySlot),
        (4, Error::Result { command: 4, result: 4 }),
        (5, Error::NotAuthorized),
        (6, Error::ClockBehind),
        (0xff, Error::Result { command: 4, result: 0xff }),
    ] {
        let (refused, _, commands) =
            outcome(move |sent, _| sent.last().map_or_else(zeros, |one| response(one, result, &CODE)));
        assert_eq!((refused, commands), (Err(expected), vec![4]));
    }
}

/// A list has 18 slots; each response takes 0.9 s.
#[test]
fn a_slow_token_ends_at_the_deadline_of_the_session() {
    let clock = Arc::new(ManualClock::at(Duration::ZERO));
    let slow = clock.clone();
    let mut fake = Fake::new(move |sent, reads| match sent.last() {
        None => zeros(),
        Some(request) if reads == 1 => {
            slow.advance(Duration::from_millis(900));
            response(request, 0, &[15, 0])
        }
        Some(request) => response(request, 0, &[15, 0]),
    });
    let mut session = Session::begin(Key::open(&mut fake, &*clock).unwrap(), Model::Pro, None).unwrap();
    assert_eq!(session.list(), Err(oath::Error::from(Error::Slow)));
    assert!(clock.monotonic() < Duration::from_secs(8), "{:?}", clock.monotonic());
    drop(session);
    assert!(fake.sent.len() < 10, "{}", fake.sent.len());
}

#[test]
fn every_error_is_told_apart() {
    use Error as E;
    let malformed =
        [E::Checksum, E::Damaged, E::ReportLength(3), E::CodeLength, E::Result { command: 4, result: 9 }];
    for error in malformed {
        let text = error.to_string();
        assert_eq!(oath::Error::from(error), oath::Error::Malformed(text));
    }
    for error in [E::StaysBusy, E::NoResponse, E::Slow] {
        let text = error.to_string();
        assert_eq!(oath::Error::from(error), oath::Error::NoAnswer(text));
    }
    for (error, expected) in [
        (E::InUse, oath::Error::Device(device::Error::Busy)),
        (E::EmptySlot, oath::Error::NoSuchCredential),
        (E::NotAuthorized, oath::Error::Locked),
        (E::Disturbed, oath::Error::Device(device::Error::Busy)),
        (E::NoCard, oath::Error::Device(device::Error::Busy)),
        (E::WrongPin(Some(2)), oath::Error::WrongPin(Some(2))),
        (E::WrongPin(None), oath::Error::WrongPin(None)),
        (E::PinUnproven, oath::Error::PinUnproven),
        (E::PinBlocked, oath::Error::PinBlocked),
        (E::ClockBehind, oath::Error::ClockBehind),
    ] {
        assert_eq!(oath::Error::from(error), expected);
    }
}
