//! Requests and responses as bytes.

use std::time::Duration;

use super::{Fake, response, sealed, zeros};
use crate::oath::OathSession;
use crate::otp::Step;
use crate::protocol::nitrokey_pro::report::{Request, Shown};
use crate::protocol::nitrokey_pro::{CodeRequest, Error, Key, Model, Moment, Session, SlotNumber, Status};

fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXUPPER.encode(bytes)
}

#[test]
fn requests_have_the_checksum_of_the_microcontroller() {
    let time = [&[0][..], &1_111_111_109_u64.to_le_bytes()].concat();
    for (command, payload, start, sum) in [
        (0x00, &[][..], "0000", "DFB76EEF"),
        (0x0b, &time, "0B00C5353A42", "69711C85"),
        (0x02, &[0x20], "022000", "E98113FD"),
        (0x04, &[0x20], "042000", "151C701F"),
    ] {
        let request = Request::new(command, payload);
        let text = hex(request.report());
        assert!(text.starts_with(start) && text.ends_with(sum), "{text}");
        assert_eq!(request.report().len(), 64);
    }
}

#[test]
fn a_payload_that_is_too_long_does_not_reach_the_checksum() {
    let request = Request::new(1, &[7; 80]);
    assert_eq!(request.report()[59], 7);
    assert_eq!(request.report()[60..], request.checksum().to_le_bytes());
}

#[test]
fn the_checksum_of_a_response_is_that_of_a_ready_token() {
    let good = response(Request::new(0, &[]).report(), 0, &[8, 0]);
    let parse = |report: &[u8]| Shown::parse(report.try_into().unwrap());
    for (state, is_busy) in [(0, false), (1, true), (2, false), (3, true), (0xff, true)] {
        let mut report = good.clone();
        report[0] = state;
        let shown = parse(&report).unwrap();
        assert_eq!(matches!(shown, Shown::Busy), is_busy, "state {state}");
        if let Shown::Response(response) = shown {
            assert_eq!((response.command, response.request, response.result), (0, 0xef6e_b7df, 0));
            assert_eq!(response.data[..3], [8, 0, 0]);
        }
    }
    for place in 1..64 {
        let mut wrong = good.clone();
        wrong[place] ^= 0x10;
        assert_eq!(parse(&wrong).err(), Some(Error::Checksum), "byte {place}");
    }
}

#[test]
fn the_status_has_version_serial_number_and_configuration() {
    let data = [8, 0, 0x11, 0x5f, 0, 0, 0xff, 0xff, 0xff, 1, 0];
    let mut fake = Fake::new(|sent, _| sent.last().map_or_else(zeros, |one| response(one, 0, &data)));
    let clock = fake.clock.clone();
    let status = Key::open(&mut fake, &*clock).unwrap().status().unwrap();
    let expected = Status { version: [0, 8], serial: Some(0x5f11), asks_for_pin: true };
    assert_eq!((status, fake.is_locked), (expected, false));
    assert_eq!(hex(&fake.sent[0]), hex(&sealed(vec![0])));
}

#[test]
fn a_serial_number_that_only_usb_shows_is_used_if_it_is_plain() {
    let long = "1".repeat(33);
    for (shown, expected) in [
        ("000000000000000000005f11", Some("5f11")),
        ("0000", None),
        ("", None),
        ("a\nb", None),
        (long.as_str(), None),
    ] {
        // A Nitrokey Storage reports none itself.
        let status = [54, 0, 0, 0, 0, 0];
        let mut fake = Fake::new(|sent, _| sent.last().map_or_else(zeros, |one| response(one, 0, &status)));
        let clock = fake.clock.clone();
        let key = Key::open(&mut fake, &*clock).unwrap();
        let session = Session::begin(key, Model::Storage, Some(shown)).unwrap();
        assert_eq!(session.description().serial.as_deref(), expected, "{shown:?}");
    }
}

/// RFC 6238, appendix B: the code of the first vector as the token sends it.
#[test]
fn a_code_has_the_digits_of_the_slot() {
    for (value, flags, expected) in [
        (94_287_082_u32, 1, Ok("94287082")),
        (287_082, 0, Ok("287082")),
        (7, 6, Ok("000007")),
        (1_000_000, 0, Err(Error::CodeLength)),
        (100_000_000, 1, Err(Error::CodeLength)),
    ] {
        let data = [&value.to_le_bytes()[..], &[flags]].concat();
        let mut fake = Fake::new(|sent, _| sent.last().map_or_else(zeros, |one| response(one, 0, &data)));
        let clock = fake.clock.clone();
        let request = CodeRequest::new(SlotNumber::Totp(0), None, None);
        let code = Key::open(&mut fake, &*clock).unwrap().code(&request);
        assert_eq!(code.map(|code| code.expose().to_owned()), expected.map(str::to_owned));
        assert!(hex(&fake.sent[0]).ends_with("151C701F"));
    }
}

/// Firmware without a clock of its own uses the time step of the request.
#[test]
fn a_request_for_a_code_has_the_time_step_as_well() {
    let moment = Moment { step: Step(0x0102), time: Duration::from_secs(0x0304), period: 30 };
    let mut fake = Fake::new(|sent, _| sent.last().map_or_else(zeros, |one| response(one, 0, &[0; 5])));
    let clock = fake.clock.clone();
    let request = CodeRequest::new(SlotNumber::Totp(14), Some(moment), None);
    Key::open(&mut fake, &*clock).unwrap().code(&request).unwrap();
    assert_eq!(hex(&fake.sent[0][..20]), "042E020100000000000004030000000000001E00");
}
