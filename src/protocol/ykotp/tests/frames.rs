//! The bytes of whole exchanges. They were computed from the vectors of RFC 6238, and agree with what a foreign program
//! exchanged with a foreign key.

use super::{Fake, flags, hex, idle, pieces};
use crate::device::NoProgress;
use crate::otp::{Code, Digits, Step, truncate};
use crate::protocol::ykotp::{Keyboard, SlotNumber};

/// The digest of RFC 6238's key at time 59.
const DIGEST_59: [&str; 4] = ["75A48A19D4CBE140", "00644E8AC1397E41", "EA747A2D33AB1B42", "6E00000000000043"];

#[test]
fn the_serial_number() {
    let mut fake = Fake::new(|sent, reads| match sent {
        [_, _] => pieces(&["006B956A8C7B0040"], reads - 1),
        _ => idle(),
    });
    let clock = fake.clock.clone();
    assert_eq!(Keyboard::new(&mut fake, &*clock).serial().unwrap(), 7_050_602);
    let expected = ["0000000000000080", "00106B5B00000089", "00000000000000FF"].map(hex);
    assert_eq!(fake.sent, expected);
    assert!(!fake.is_locked);
}

#[test]
fn a_code_at_time_59() {
    let mut fake = Fake::new(|sent, reads| match sent {
        [_, _, _] => pieces(&DIGEST_59, reads - 1),
        _ => idle(),
    });
    let clock = fake.clock.clone();
    let digest = Keyboard::new(&mut fake, &*clock).hmac(SlotNumber::Two, Step(1), &NoProgress).unwrap();
    let truncated = truncate(&digest).unwrap();
    assert_eq!(Code::decimal(truncated, Digits::new(8).unwrap()).expose(), "94287082");
    assert_eq!(Code::decimal(truncated, Digits::SIX).expose(), "287082");
    let expected = ["0000000000000080", "0100000000000081", "0038B98E00000089", "00000000000000FF"].map(hex);
    assert_eq!(fake.sent, expected);
}

#[test]
fn a_challenge_that_ends_in_zero_has_other_padding() {
    let mut fake = Fake::new(|sent, reads| match sent.len() {
        10 => pieces(&DIGEST_59, reads - 1),
        _ => idle(),
    });
    let clock = fake.clock.clone();
    Keyboard::new(&mut fake, &*clock).hmac(SlotNumber::Two, Step(256), &NoProgress).unwrap();
    let mut expected = vec![hex("0000000000000180"), hex("0001010101010181")];
    expected.extend((0x82..=0x88).map(|flags| [1, 1, 1, 1, 1, 1, 1, flags]));
    expected.extend(["01386FC100000089", "00000000000000FF"].map(hex));
    assert_eq!(fake.sent, expected);
}

#[test]
fn the_first_slot_has_its_own_command() {
    let mut fake = Fake::new(|sent, reads| match sent {
        [_, _, _] => pieces(&DIGEST_59, reads - 1),
        _ => idle(),
    });
    let clock = fake.clock.clone();
    Keyboard::new(&mut fake, &*clock).hmac(SlotNumber::One, Step(1), &NoProgress).unwrap();
    assert_eq!(fake.sent[2], hex("0030B98E00000089"));
}

#[test]
fn the_status_is_read_and_nothing_is_sent() {
    // The key first finishes the request of another program.
    let mut fake = Fake::new(|_, reads| if reads < 5 { flags(0x80) } else { idle() });
    let clock = fake.clock.clone();
    let status = Keyboard::new(&mut fake, &*clock).status().unwrap();
    assert_eq!(status.version, [5, 4, 3]);
    assert!(fake.sent.is_empty());
}

#[test]
fn a_busy_key_gets_the_next_report_later() {
    let mut fake = Fake::new(|sent, reads| match (sent.len(), reads) {
        (1 | 2, 1..=3) => flags(0x80),
        (3, 1..=9) => flags(0x80),
        (3, reads) => pieces(&DIGEST_59, reads - 10),
        _ => idle(),
    });
    let clock = fake.clock.clone();
    Keyboard::new(&mut fake, &*clock).hmac(SlotNumber::Two, Step(1), &NoProgress).unwrap();
    assert_eq!(fake.sent.len(), 4);
}
