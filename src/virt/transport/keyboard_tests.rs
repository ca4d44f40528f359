//! The key behind the keyboard interface, report by report.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that panics has failed")]

use std::time::{Duration, Instant};

use crate::device::{Error, Reports};
use crate::virt::{Keyboard, OtpFault, TokenSpec, VirtualToken, parse};

const TOKEN: &str = "[[token]]\nserial = 7050602\ntouch = 'never'\n\
    [[token.otp-slot]]\nslot = 1\ntouch = true\nseed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'\n\
    [[token.otp-slot]]\nslot = 2\nseed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'";

fn token() -> (VirtualToken, Keyboard) {
    let tokens: Vec<TokenSpec> = parse(TOKEN).unwrap();
    let token = VirtualToken::new(&tokens[0]);
    let keyboard = token.keyboard().unwrap();
    (token, keyboard)
}

fn send(keyboard: &mut Keyboard, reports: &[&str]) {
    for report in reports {
        let bytes = data_encoding::HEXUPPER.decode(report.as_bytes()).unwrap();
        keyboard.send(&bytes).unwrap();
    }
}

fn receive(keyboard: &mut Keyboard) -> String {
    let mut report = [0; 8];
    let length = keyboard.receive(&mut report, Duration::ZERO).unwrap();
    data_encoding::HEXUPPER.encode(&report[..length.min(8)])
}

const SERIAL: [&str; 2] = ["0000000000000080", "00106B5B00000089"];
const AT_59: [&str; 3] = ["0000000000000080", "0100000000000081", "0038B98E00000089"];
const AT_59_BY_TOUCH: [&str; 3] = ["0000000000000080", "0100000000000081", "0030B98E00000089"];
const RESET: &str = "00000000000000FF";

#[test]
fn serial_number_and_status() {
    let (token, mut keyboard) = token();
    assert_eq!(receive(&mut keyboard), "0005040301030000");
    send(&mut keyboard, &SERIAL);
    assert_eq!(receive(&mut keyboard), "006B956A8C7B0040");
    assert_eq!(receive(&mut keyboard), "0000000000000040");
    send(&mut keyboard, &[RESET]);
    assert_eq!(receive(&mut keyboard), "0005040301030000");
    assert_eq!((token.otp_commands(), token.otp_reports()), (vec![0x10], (3, 4)));
}

#[test]
fn a_challenge_with_either_padding() {
    let (_, mut keyboard) = token();
    send(&mut keyboard, &AT_59);
    let pieces: Vec<_> = (0..5).map(|_| receive(&mut keyboard)).collect();
    let expected =
        ["75A48A19D4CBE140", "00644E8AC1397E41", "EA747A2D33AB1B42", "6E00000000000043", "0000000000000040"];
    assert_eq!(pieces, expected);
    // The other padding, 01, is the last byte of this step, so the key drops it: HMAC of 00…01 without 01.
    send(&mut keyboard, &["0000000000000080", "0101010101010181"]);
    let filled: Vec<_> = (0x82..=0x88).map(|flags| format!("01010101010101{flags:02X}")).collect();
    send(&mut keyboard, &filled.iter().map(String::as_str).collect::<Vec<_>>());
    send(&mut keyboard, &["0138F7E100000089"]);
    assert_ne!(receive(&mut keyboard), expected[0]);
}

#[test]
fn a_frame_with_a_wrong_checksum_is_refused() {
    let (token, mut keyboard) = token();
    send(&mut keyboard, &["0000000000000080", "0200000000000081", "0038B98E00000089"]);
    assert_eq!(receive(&mut keyboard), "0005040301030000");
    assert!(token.otp_commands().is_empty());
}

#[test]
fn a_touch_is_awaited_until_it_comes_or_the_key_is_reset() {
    let (token, mut keyboard) = token();
    send(&mut keyboard, &AT_59_BY_TOUCH);
    assert!(receive(&mut keyboard).ends_with("2E"), "14 whole seconds are left");
    assert!(token.wait_until_it_wants_a_touch(Duration::ZERO));
    token.touch();
    assert_eq!(receive(&mut keyboard), "75A48A19D4CBE140");
    assert!(token.wait_until_it_wants_no_touch(Duration::ZERO));

    send(&mut keyboard, &[RESET]);
    send(&mut keyboard, &AT_59_BY_TOUCH);
    send(&mut keyboard, &[RESET]);
    assert!(token.wait_until_it_wants_no_touch(Duration::ZERO));
    assert_eq!(receive(&mut keyboard), "0005040301030000");
    token.set_touch_timeout(Duration::ZERO);
    send(&mut keyboard, &AT_59_BY_TOUCH);
    assert_eq!(receive(&mut keyboard), "0005040301030000", "the time for a touch is over");
}

#[test]
fn faults_apply_to_one_request_each() {
    let (token, mut keyboard) = token();
    for (fault, second) in [
        (OtpFault::Checksum, "0000000000000040"),
        (OtpFault::Stall, "0000000000000080"),
        (OtpFault::ReportLength(3), "000000"),
    ] {
        token.fail_next_otp(fault);
        send(&mut keyboard, &SERIAL);
        let first = receive(&mut keyboard);
        assert_ne!(first, "006B956A8C7B0040", "{fault:?}");
        assert_eq!(receive(&mut keyboard), second, "{fault:?}");
        send(&mut keyboard, &[RESET]);
        send(&mut keyboard, &SERIAL);
        assert_eq!(receive(&mut keyboard), "006B956A8C7B0040", "after {fault:?}");
        send(&mut keyboard, &[RESET]);
    }
    token.fail_next_otp(OtpFault::Sequence);
    token.fail_next_otp(OtpFault::Interference);
    token.fail_next_otp(OtpFault::Busy);
    for second in ["00644E8AC1397E42", "0005040301030000"] {
        send(&mut keyboard, &AT_59);
        receive(&mut keyboard);
        assert_eq!(receive(&mut keyboard), second);
        send(&mut keyboard, &[RESET]);
    }
    send(&mut keyboard, &AT_59);
    assert_eq!(receive(&mut keyboard), "0000000000000080");
    assert_eq!(token.otp_commands().last(), Some(&0x38));
}

#[test]
fn a_key_that_is_pulled_out_is_gone() {
    let (token, mut keyboard) = token();
    token.fail_next_otp(OtpFault::Vanish);
    assert_eq!(keyboard.send(&[0, 0, 0, 0, 0, 0, 0, 0x80]), Err(Error::Removed));
    token.plug();
    assert_eq!(keyboard.receive(&mut [0; 8], Duration::ZERO), Err(Error::Removed), "another insertion");
    assert!(matches!(keyboard.send(&[0; 3]), Err(Error::Failed(_))));
}

#[test]
fn token_files_with_wrong_slots_are_refused() {
    let error = |slot: &str| parse(&format!("[[token]]\nserial = 1\n{slot}")).unwrap_err();
    let long = "A".repeat(40);
    for (slot, message) in [
        ("[[token.otp-slot]]\nslot = 3\nseed = 'ME'".to_owned(), "a slot must be 1 or 2"),
        (format!("[[token.otp-slot]]\nslot = 2\nseed = '{long}'"), "at most 20 bytes"),
        ("[[token.otp-slot]]\nslot = 2\nseed = 'ME'\ncolour = 1".to_owned(), "unknown field"),
        (
            "[[token.otp-slot]]\nslot = 2\nseed = 'ME'\n[[token.otp-slot]]\nslot = 2\nseed = 'ME'".to_owned(),
            "twice",
        ),
    ] {
        assert!(error(&slot).message.contains(message), "{slot}: {}", error(&slot));
    }
}

#[test]
fn each_report_takes_the_time_of_the_file() {
    let text = TOKEN.replacen("touch = 'never'", "touch = 'never'\nreport-delay-ms = 20", 1);
    let token = VirtualToken::new(&parse(&text).unwrap()[0]);
    let mut keyboard = token.keyboard().unwrap();
    let begun = Instant::now();
    send(&mut keyboard, &SERIAL);
    assert!(begun.elapsed() >= Duration::from_millis(40), "two were sent");
    receive(&mut keyboard);
    assert!(begun.elapsed() >= Duration::from_millis(60), "one was read");
}
