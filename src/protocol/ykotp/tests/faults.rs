//! Each fault has its own error, within its deadline, and leaves the key ready.

use std::time::Duration;

use super::{Fake, flags, idle, pieces};
use crate::clock::Clock;
use crate::device::{self, NoProgress};
use crate::oath;
use crate::otp::Step;
use crate::protocol::ykotp::{Error, Keyboard, SlotNumber};

/// The error of a code from a key with these answers, its duration, and the number of resets.
fn outcome(
    answer: impl FnMut(&[[u8; 8]], usize) -> Vec<u8> + Send,
) -> (Result<Vec<u8>, Error>, Duration, usize) {
    let mut fake = Fake::new(answer);
    let clock = fake.clock.clone();
    let result = Keyboard::new(&mut fake, &*clock).hmac(SlotNumber::Two, Step(1), &NoProgress);
    assert!(!fake.is_locked, "the lock was released");
    (result.map(|digest| digest.to_vec()), clock.monotonic(), fake.resets())
}

/// The number of reports since the last reset; a whole frame has three.
fn position(sent: &[[u8; 8]]) -> usize {
    sent.iter().rev().take_while(|report| **report != super::RESET).count()
}

const GOOD: [&str; 4] = ["75A48A19D4CBE140", "00644E8AC1397E41", "EA747A2D33AB1B42", "6E00000000000043"];

/// A key that answers every frame with these pieces.
fn answering(texts: [&'static str; 4]) -> impl FnMut(&[[u8; 8]], usize) -> Vec<u8> + Send {
    move |sent, reads| if position(sent) == 3 { pieces(&texts, reads - 1) } else { idle() }
}

#[test]
fn a_wrong_checksum() {
    let wrong = ["75A48A19D4CBE140", "00644E8AC1397E41", "EA747A2D33AB1B42", "6F00000000000043"];
    let (result, duration, resets) = outcome(answering(wrong));
    assert_eq!(result, Err(Error::Checksum));
    assert_eq!(resets, 2, "the request was repeated once");
    assert!(duration < Duration::from_secs(1));
}

#[test]
fn a_wrong_sequence() {
    let wrong = ["75A48A19D4CBE140", "00644E8AC1397E42", "EA747A2D33AB1B43", "6E00000000000044"];
    let (result, _, resets) = outcome(answering(wrong));
    assert_eq!(result, Err(Error::Sequence { expected: 1, received: 2 }));
    assert_eq!(resets, 2);
}

#[test]
fn no_more_of_an_endless_response_is_read_than_was_requested() {
    let mut looks = Vec::new();
    let (endless, ..) = outcome(|sent, reads| {
        if position(sent) != 3 {
            return idle();
        }
        looks.push(reads);
        flags(0x40 | u8::try_from(reads - 1).unwrap())
    });
    assert_eq!(endless, Err(Error::Checksum));
    assert_eq!(looks, [1, 2, 3, 4, 1, 2, 3, 4], "four pieces in each of two attempts");
}

#[test]
fn a_busy_flag_that_stays() {
    let (result, duration, resets) = outcome(|_, _| flags(0x80));
    assert_eq!((result, resets), (Err(Error::BusyFlag), 0), "nothing was sent");
    assert!((1_000..1_200).contains(&duration.as_millis()), "{duration:?}");
    let (result, duration, resets) =
        outcome(|sent, _| if position(sent) == 1 { flags(0x80) } else { idle() });
    assert_eq!((result, resets), (Err(Error::BusyFlag), 1));
    assert!((3_000..3_200).contains(&duration.as_millis()), "{duration:?}");
}

#[test]
fn a_key_that_does_not_respond() {
    let (result, duration, resets) =
        outcome(|sent, _| if position(sent) == 3 { flags(0x80) } else { idle() });
    assert_eq!((result, resets), (Err(Error::NoResponse), 1));
    assert!((3_000..3_200).contains(&duration.as_millis()), "{duration:?}");
}

#[test]
fn short_long_and_empty_reports() {
    for length in [0, 1, 7, 9, 65] {
        let (result, ..) = outcome(move |_, _| vec![0; length]);
        assert_eq!(result, Err(Error::ReportLength(length)));
        let (result, _, resets) =
            outcome(move |sent, _| if position(sent) == 3 { vec![0x40; length] } else { idle() });
        assert_eq!((result, resets), (Err(Error::ReportLength(length)), 1));
    }
}

#[test]
fn a_short_response() {
    let (result, ..) = outcome(|sent, reads| match position(sent) {
        3 => pieces(&GOOD[..3], reads - 1),
        _ => idle(),
    });
    assert_eq!(result, Err(Error::ResponseLength(21)));
}

#[test]
fn an_empty_slot_refuses() {
    let (result, _, resets) = outcome(|_, _| idle());
    assert_eq!((result.clone(), resets), (Err(Error::Refused), 2));
    assert!(matches!(oath::Error::from(result.unwrap_err()), oath::Error::Unsupported(_)));
}

#[test]
fn a_response_that_breaks_off_is_requested_again() {
    for interruption in [idle(), flags(0x80), flags(0x2f)] {
        let broken = interruption.clone();
        let (result, _, resets) = outcome(move |sent, reads| match position(sent) {
            3 if reads == 2 => broken.clone(),
            3 => pieces(&GOOD, reads - 1),
            _ => idle(),
        });
        assert_eq!((result, resets), (Err(Error::BrokenOff), 2));
        let (result, _, resets) = outcome(move |sent, reads| match position(sent) {
            3 if reads == 2 && sent.len() == 3 => interruption.clone(),
            3 => pieces(&GOOD, reads - 1),
            _ => idle(),
        });
        assert_eq!((result.map(|digest| digest.len()), resets), (Ok(20), 2));
    }
}

#[test]
fn a_response_that_another_program_left_is_dropped() {
    let (result, duration, resets) = outcome(|sent, reads| match (position(sent), sent.len()) {
        (_, 0) => flags(0x42),
        (3, _) => pieces(&GOOD, reads - 1),
        _ => idle(),
    });
    assert_eq!((result.map(|digest| digest.len()), resets), (Ok(20), 2));
    assert!(duration < Duration::from_millis(1_500));
}

#[test]
fn a_key_that_another_program_waits_for_is_left_alone() {
    let (result, duration, resets) = outcome(|_, _| flags(0x2f));
    assert_eq!((result.clone(), resets), (Err(Error::InUse), 0));
    assert!(duration < Duration::from_millis(1_200));
    assert_eq!(oath::Error::from(result.unwrap_err()), oath::Error::Device(device::Error::Busy));
}

#[test]
fn every_error_is_told_apart() {
    use Error as E;
    let malformed = [E::Checksum, E::BrokenOff, E::ReportLength(3), E::Sequence { expected: 1, received: 2 }];
    for error in malformed {
        let text = error.to_string();
        assert_eq!(oath::Error::from(error), oath::Error::Malformed(text));
    }
    for error in [E::BusyFlag, E::NoResponse] {
        let text = error.to_string();
        assert_eq!(oath::Error::from(error), oath::Error::NoAnswer(text));
    }
}
