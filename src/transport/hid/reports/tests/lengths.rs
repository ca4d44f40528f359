//! The lengths of reports, before and after each exchange.

use super::*;

const KINDS: [HidKind; 3] = [HidKind::Keyboard, HidKind::NitrokeyPro, HidKind::Fido];

#[test]
fn a_report_is_sent_with_the_number_0_and_only_with_its_length() {
    for kind in KINDS {
        let bytes = kind.report_bytes();
        let fake = Fake::quick([Ok(1 + bytes)]);
        let mut reports = fake.reports(kind);
        for wrong in [0, 1, bytes - 1, bytes + 1, 2 * bytes] {
            let error = reports.send(&vec![7; wrong]).unwrap_err();
            assert!(matches!(error, Error::Failed(_)), "{kind:?} {wrong}: {error:?}");
        }
        assert!(fake.state().sent.is_empty(), "{kind:?}");
        reports.send(&vec![7; bytes]).unwrap();
        assert_eq!(fake.state().sent, [[&[0][..], &vec![7; bytes]].concat()], "{kind:?}");
    }
}

#[test]
fn a_report_that_was_sent_in_part_has_failed() {
    for sent in [0, 1, 64, 66] {
        let fake = Fake::quick([Ok(sent)]);
        let error = fake.reports(HidKind::Fido).send(&[7; 64]).unwrap_err();
        assert!(
            matches!(&error, Error::Failed(text) if text.contains(&sent.to_string())),
            "{sent}: {error:?}"
        );
    }
    // hidapi compares the lengths of feature reports itself.
    let fake = Fake::quick([Err(HidError::IncompleteSendError { sent: 1, all: 9 })]);
    assert!(matches!(fake.reports(HidKind::Keyboard).send(&[7; 8]), Err(Error::Failed(_))));
}

#[test]
fn a_buffer_that_is_too_short_is_refused_before_the_exchange() {
    for kind in KINDS {
        let fake = Fake::quick([]);
        for wrong in [0, kind.report_bytes() - 1] {
            let error = fake.reports(kind).receive(&mut vec![0; wrong], LONG).unwrap_err();
            assert!(matches!(error, Error::Failed(_)), "{kind:?} {wrong}: {error:?}");
        }
        assert!(fake.state().buffers.is_empty(), "{kind:?}");
    }
}

/// A longer request may not end (see the module), and a shorter one cuts the report off.
#[test]
fn a_feature_report_is_requested_with_its_length_and_returned_with_that_of_the_key() {
    for kind in [HidKind::Keyboard, HidKind::NitrokeyPro] {
        let bytes = kind.report_bytes();
        for received in [0, 1, 2, bytes, bytes + 1] {
            let fake = Fake::quick([Ok(received)]);
            let mut report = [0xee; 64];
            // The number of the report is not part of it.
            let length = received.saturating_sub(1);
            assert_eq!(fake.reports(kind).receive(&mut report, Duration::ZERO), Ok(length), "{kind:?}");
            let expected: Vec<u8> =
                (1..=64).map(|number| if number <= length { number as u8 } else { 0xee }).collect();
            assert_eq!(report[..], expected, "{kind:?} {received}");
            assert_eq!(fake.state().buffers, [1 + bytes], "{kind:?}");
        }
    }
}

#[test]
fn an_input_report_is_returned_with_its_length_even_if_it_is_too_long() {
    for received in [1, 63, 64, 65, 66] {
        let fake = Fake::quick([Ok(received)]);
        let mut report = [0xee; 64];
        assert_eq!(fake.reports(HidKind::Fido).receive(&mut report, LONG), Ok(received));
        let kept = received.min(64);
        assert!((1..).zip(&report[..kept]).all(|(number, byte)| number == *byte), "{received}: {report:?}");
        assert!(report[kept..].iter().all(|byte| *byte == 0xee), "{received}: {report:?}");
        assert!(fake.state().buffers[0] > 64, "a longer report would look like a right one");
    }
}
