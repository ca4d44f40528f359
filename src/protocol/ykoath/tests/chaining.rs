//! Responses in several frames.

use super::super::error::refused;
use super::{CALCULATE_ALL, LIST, LOCKED, SELECT, Script, UNLOCKED, credential, select};
use crate::device::NoProgress;
use crate::iso7816::Status;
use crate::oath::{Credential, Error, Kind, MovingFactor, Touch};
use crate::otp::Step;

const A5: &str = "00 A5 00 00";
const C0: &str = "00 C0 00 00";

/// `71 09 "AWS:alice" 7C 01 08`, split in the middle of the name.
const HEAD: &str = "71 09 41 57 53 3A";
const TAIL: &str = "61 6C 69 63 65 7C 01 08";
const LISTED: &str = "72 0A 21 4157533A616C696365 90 00";

fn listed(steps: &[(&str, &str)]) -> Result<Vec<Credential>, Error> {
    let steps = [&[(SELECT, UNLOCKED)], steps].concat();
    let mut script = Script::new(&steps);
    let credentials = select(&mut script)?.credentials();
    script.assert_finished();
    credentials
}

fn touches(credentials: &[Credential]) -> Vec<Touch> {
    credentials.iter().map(|credential| credential.touch).collect()
}

#[test]
fn the_rest_is_fetched_with_a5_and_the_length_in_61xx_is_not_trusted() {
    for more in ["61 00", "61 01", "61 FF"] {
        let first = format!("{HEAD} {more}");
        let last = format!("{TAIL} 90 00");
        let credentials = listed(&[(CALCULATE_ALL, &first), (A5, &last), (LIST, LISTED)]).unwrap();
        assert_eq!(touches(&credentials), [Touch::Yes]);
    }
}

#[test]
fn a_first_frame_may_be_empty_if_it_is_no_list() {
    let mut script = Script::new(&[(SELECT, "61 0F"), (A5, UNLOCKED)]);
    assert!(!select(&mut script).unwrap().is_locked());
    script.assert_finished();
}

#[test]
fn where_a5_is_refused_or_answered_with_nothing_c0_is_used_from_the_start_and_remembered() {
    let first = format!("{HEAD} 61 08");
    let last = format!("{TAIL} 90 00");
    for refusal in ["6D00", "6985", "6A86", "6A81", "9000"] {
        let credentials = listed(&[
            (CALCULATE_ALL, &first),
            (A5, refusal),
            (CALCULATE_ALL, &first),
            (C0, &last),
            (LIST, "72 0A 21 4157533A 61 08"),
            (C0, "616C696365 90 00"),
        ])
        .unwrap();
        assert_eq!(touches(&credentials), [Touch::Yes], "{refusal}");
    }
}

#[test]
fn without_a_supported_continuation_the_list_fails() {
    let first = "72 0A 21 4157533A 61 08";
    let result = listed(&[(CALCULATE_ALL, "6D00"), (LIST, first), (A5, "6D00"), (LIST, first), (C0, "6D00")]);
    assert!(matches!(result, Err(Error::Malformed(_))));
}

#[test]
fn after_an_aborted_calculate_all_the_application_is_selected_again() {
    let first = format!("{HEAD} 61 08");
    // An empty frame that announces more data is no refusal of A5, so C0 is not tried.
    let credentials =
        listed(&[(CALCULATE_ALL, &first), (A5, "61 08"), (SELECT, UNLOCKED), (LIST, LISTED)]).unwrap();
    assert_eq!(touches(&credentials), [Touch::Unknown]);
}

#[test]
fn an_empty_frame_that_announces_more_data_is_an_error() {
    let result = listed(&[(CALCULATE_ALL, "6D00"), (LIST, "72 0A 21 61 08"), (A5, "61 08")]);
    assert!(matches!(result, Err(Error::Malformed(_))));
}

#[test]
fn an_empty_frame_after_others_ends_the_response() {
    let credentials = listed(&[
        (CALCULATE_ALL, "6D00"),
        (LIST, "72 0A 21 4157533A 61 FF"),
        (A5, "616C696365 61 FF"),
        (A5, "9000"),
    ])
    .unwrap();
    assert_eq!(credentials.len(), 1);
}

#[test]
fn an_error_in_the_middle_fails_the_list() {
    let result = listed(&[
        (CALCULATE_ALL, "6D00"),
        (LIST, "72 0A 21 4157533A 61 FF"),
        (A5, "616C696365 61 FF"),
        (A5, "6F00"),
    ]);
    assert_eq!(result, Err(refused(0xa5, Status(0x6f00))));
}

#[test]
fn an_answer_without_end_is_given_up_after_300_frames() {
    let mut steps = vec![(CALCULATE_ALL, "6D00"), (LIST, "72 61 FF")];
    steps.extend([(A5, "72 61 FF"); 300]);
    assert!(matches!(listed(&steps), Err(Error::Malformed(_))));
}

#[test]
fn an_answer_longer_than_64_kib_is_given_up() {
    let long = format!("{} 61 FF", "00".repeat(32_768));
    let steps = [(CALCULATE_ALL, "6D00"), (LIST, &*long), (A5, &long), (A5, &long)];
    assert!(matches!(listed(&steps), Err(Error::Malformed(_))));
}

#[test]
fn a_command_with_an_effect_is_never_sent_twice() {
    let hotp = "00 A2 00 01 07 71 03 437472 74 00";
    let touchy = "00 A2 00 01 0F 71 03 437472 74 08 00 00 00 00 00 00 00 01";
    for (command, kind, touch, factor) in [
        (hotp, Kind::Hotp, Touch::Unknown, MovingFactor::Counter),
        (touchy, Kind::Totp, Touch::Yes, MovingFactor::Step(Step(1))),
    ] {
        let mut script = Script::new(&[(SELECT, UNLOCKED), (command, "76 61 06"), (A5, "6D00")]);
        let mut session = select(&mut script).unwrap();
        let result = session.calculate(&credential("Ctr", kind, touch), factor, &NoProgress);
        assert!(matches!(result, Err(Error::Malformed(_))));
        script.assert_finished();
    }
}

#[test]
fn the_response_to_select_may_have_several_frames() {
    let (head, tail) = LOCKED.split_at(30);
    let head = format!("{head} 61 10");
    let mut script = Script::new(&[(SELECT, &head), (A5, "6D00"), (SELECT, &head), (C0, tail)]);
    assert!(select(&mut script).unwrap().is_locked());
}
