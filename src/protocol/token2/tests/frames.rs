//! The bytes of commands and reports, as in the vendor's programs.

use super::super::command;
use super::*;

#[test]
fn commands_have_the_documented_bytes() {
    for (command, expected) in [
        (command::pin_flag(), "80C5050409 000000000000000000"),
        (command::serial(), "80330000 000012 D110 00000000000000000000000000000000"),
        (command::all_entries(59), "80C50500 000009 03 000000000000003B"),
        (command::more_entries(59), "80C50501 000008 000000000000003B"),
        (
            command::one_entry(59, &bytes("03415753 05616C696365")),
            "80C50500 000013 01 000000000000003B 03415753 05616C696365",
        ),
    ] {
        assert_eq!(hex(&command.unwrap().to_bytes()), expected.replace(' ', ""));
    }
    assert!(command::one_entry(59, &[0; 247]).is_err());
}

#[test]
fn a_command_of_up_to_61_bytes_has_one_report() {
    for (length, headers) in [
        (4, vec![[0x21, 0x00, 4]]),
        (61, vec![[0x21, 0x00, 61]]),
        (62, vec![[0x21, 0x20, 61], [0x21, 0x01, 1]]),
        (130, vec![[0x21, 0x20, 61], [0x21, 0x21, 61], [0x21, 0x02, 8]]),
    ] {
        let reports = reports(&vec![0xaa; length]);
        let seen: Vec<_> = reports.iter().map(|report| [report[0], report[1], report[2]]).collect();
        assert_eq!(seen, headers, "{length}");
        let last = reports.last().unwrap();
        let end = 3 + usize::from(last[2]);
        assert!(last[3..end].iter().all(|byte| *byte == 0xaa) && last[end..].iter().all(|byte| *byte == 0));
    }
}

#[test]
fn the_number_of_a_report_begins_again_after_15() {
    let long = "AA".repeat(20 * 61) + "9000";
    let mut key = Fake::new(|_| response(&long));
    let seen = key.send(&serial(), Wait::None, &Person::default()).unwrap();
    assert_eq!(seen.len(), 2 * 20 * 61 + " 9000".len());
    let numbers: Vec<_> = response(&long).iter().map(|report| report[1] & 0x0f).collect();
    assert_eq!(numbers[14..18], [14, 15, 0, 1]);
}

/// A CTAPHID stack answers a message for an unknown channel, or one that it gets a part of only, with an error.
#[test]
fn the_error_of_ctaphid_means_that_the_key_does_not_serve_the_application() {
    // The channel is the begin of the first report: 21 00 09 80.
    for (code, expected) in [
        ("01", Error::NoApplication),
        ("03", Error::NoApplication),
        ("05", Error::NoApplication),
        ("0B", Error::NoApplication),
        // Another program uses the key.
        ("06", Error::Device(device::Error::Busy)),
        ("0A", Error::Device(device::Error::Busy)),
    ] {
        let error = bytes(&format!("21000E80 BF 0001 {code}"));
        let padded = [&error[..], &[0; REPORT - 8]].concat();
        let mut key = Fake::new(|_| vec![padded.clone()]);
        assert_eq!(key.in_session(|session| session.list_names()), Err(expected), "{code}");
        assert_eq!(key.commands, 1, "nothing else is sent");
    }
}

/// Not every key without the application says so.
#[test]
fn silence_at_the_first_command_of_an_insertion_means_the_same() {
    let mut key = Fake::new(|_| Vec::new());
    assert_eq!(key.in_session(|session| session.list_names()), Err(Error::NoApplication));
    assert_eq!(key.commands, 1, "nothing else is sent");
    let mut key = Fake::new(|_| vec![busy()]);
    let listed = key.in_session(|session| session.list_names());
    assert!(matches!(listed, Err(Error::NoAnswer(_))), "a busy key has the application: {listed:?}");
}

/// A browser may have a channel whose number begins with the first byte of the application's reports.
#[test]
fn reports_that_cannot_be_of_the_application_belong_to_another_program() {
    let mut flags = response("9000");
    flags[0][1] = 0x80;
    let mut length = response("9000");
    length[0][2] = 62;
    let answer = [flags, length, response("07 9000")].concat();
    let mut key = Fake::new(|_| answer.clone());
    assert_eq!(key.send(&serial(), Wait::None, &Person::default()).unwrap(), "07 9000");
}
