//! Sessions: the state of the PIN, the serial number, lists in pages, and codes.

use super::*;
use crate::oath::{Credential, KeySlot, MovingFactor, OathSession};
use crate::otp::Step;
use crate::secret::SecretText;

impl Session<'_> {
    pub(super) fn list_names(&mut self) -> Result<Vec<String>, Error> {
        Ok(self.list()?.into_iter().map(|credential| credential.name.account).collect())
    }

    pub(super) fn code(
        &mut self,
        account: &str,
        factor: MovingFactor,
        person: &Person,
    ) -> Result<String, Error> {
        let credential = self.find(account)?;
        Ok(self.calculate(&credential, factor, person)?.expose().to_owned())
    }

    fn find(&mut self, account: &str) -> Result<Credential, Error> {
        let found = self.list()?.into_iter().find(|credential| credential.name.account == account);
        found.ok_or(Error::NoSuchCredential)
    }
}

#[test]
fn a_list_in_pages_is_whole() {
    let first = format!("{} 9000", ALICE.replacen("01", "81", 1));
    let second = format!("{} 9000", BOB.replacen("01", "81", 1));
    let third = format!("{CAROL} 9000");
    let (names, sent) =
        scripted(&[NO_PIN, SERIAL_RESPONSE, &first, &second, &third], |session| session.list_names());
    assert_eq!(names.unwrap(), ["alice", "bob", "carol"]);
    let more = "80C50501000008000000000000003B";
    assert_eq!(sent[2..], ["80C5050000000903000000000000003B", more, more]);
    let third = format!("{CAROL} {ALICE} 9000");
    let (names, _) =
        scripted(&[NO_PIN, SERIAL_RESPONSE, &first, &second, &third], |session| session.list_names());
    assert!(matches!(names, Err(Error::Malformed(_))), "an entry came twice: {names:?}");
}

#[test]
fn a_list_is_whole_or_an_error() {
    let endless = format!("{} 9000", ALICE.replacen("01", "81", 1));
    let first = [NO_PIN, SERIAL_RESPONSE, &endless];
    for rest in ["6A83", "6A80", "9000", "01C1 9000", "6F00"] {
        let responses = [&first[..], &[rest, rest]].concat();
        let (result, _) = scripted(&responses, |session| session.list_names());
        match rest {
            "9000" => assert_eq!(result.unwrap(), ["alice"], "an empty page is the last one"),
            _ => assert!(matches!(result, Err(Error::Malformed(_))), "{rest}"),
        }
    }
    let responses = [&first[..], &[endless.as_str(); 100]].concat();
    let (result, sent) = scripted(&responses, |session| session.list_names());
    assert_eq!(result, Err(Error::Malformed("the list of entries does not end".to_owned())));
    assert!(sent.len() < 80);
}

#[test]
fn a_key_without_entries_has_an_empty_list() {
    for status in ["6A80", "6A83"] {
        let (names, _) = scripted(&[NO_PIN, SERIAL_RESPONSE, status], |session| session.list_names());
        assert_eq!(names, Ok(Vec::new()), "{status}");
    }
}

#[test]
fn a_key_with_a_pin_is_locked_and_says_how_many_attempts_are_left() {
    let (result, sent) = scripted(&[PIN, SERIAL_RESPONSE], |session| {
        let description = session.description();
        assert_eq!((description.pin_set, description.attempts_left), (true, Some(5)));
        assert_eq!(description.serial.as_deref(), Some(SERIAL));
        assert!(session.is_locked());
        assert_eq!(session.unlock(&KeySlot::default()), Err(Error::Locked));
        let unlock = session.unlock_key(&SecretText::new("123456".to_owned()));
        assert!(matches!(unlock, Err(Error::Unsupported(_))), "{unlock:?}");
        session.list_names()
    });
    assert_eq!(result, Err(Error::Locked));
    assert_eq!(sent.len(), 2, "no list is requested, since it would be encrypted");
}

#[test]
fn a_blocked_pin_is_an_error_of_its_own() {
    for flag in ["0700060A 9000", "6983"] {
        let (result, _) = scripted(&[flag, SERIAL_RESPONSE], |session| {
            assert_eq!(session.description().attempts_left, Some(0));
            assert_eq!(session.unlock(&KeySlot::default()), Err(Error::PinBlocked));
            session.list_names()
        });
        assert_eq!(result, Err(Error::PinBlocked), "{flag}");
    }
}

#[test]
fn firmware_without_a_pin_is_not_locked() {
    let list = format!("{ALICE} 9000");
    for status in ["6A81", "6D00", "6E00", "6A86", "6B00", "6AF8", "9000", "000000 9000", "01C1001E 9000"] {
        let (names, _) = scripted(&[status, SERIAL_RESPONSE, &list], |session| {
            assert!(!session.is_locked() && !session.description().pin_set);
            session.list_names()
        });
        assert_eq!(names.unwrap(), ["alice"], "{status}");
    }
    let entry = format!("{ALICE} 9000");
    for flag in [&entry, "6F00", SERIAL_RESPONSE] {
        let (result, _) = scripted(&[flag, SERIAL_RESPONSE], |session| session.list_names());
        assert!(matches!(result, Err(Error::Malformed(_))), "{flag}");
    }
}

/// Over HID the key does not tell the state of its PIN.
#[test]
fn a_pin_that_shows_in_a_refused_list_is_remembered_until_a_list_succeeds() {
    let list = format!("{ALICE} 9000");
    // The last state is truncated, so that it says that there is no PIN.
    let short = "00000064 9000";
    let responses = ["6A86", SERIAL_RESPONSE, "6982", short, "6982", "6982", &list, "6A86"];
    let mut key = Fake::new(|number| response(responses[number]));
    let is_set = |session: &mut Session<'_>| session.description().pin_set;
    let read = |session: &mut Session<'_>| Ok((is_set(session), session.list_names().is_ok()));
    assert_eq!(key.in_session(read), Ok((false, false)));
    let unlock = |session: &mut Session<'_>| {
        let unlock = session.unlock_key(&SecretText::new("123456".to_owned()));
        assert!(matches!(unlock, Err(Error::Unsupported(_))), "{unlock:?}");
        read(session)
    };
    assert_eq!(key.in_session(unlock), Ok((true, false)));
    assert_eq!(key.in_session(read), Ok((true, true)));
    assert_eq!(key.in_session(|session| Ok(is_set(session))), Ok(false));
}

#[test]
fn the_serial_number_is_read_once_for_each_insertion() {
    for (answer, expected) in [
        (SERIAL_RESPONSE, Some(SERIAL)),
        ("D102 4142 9000", Some("ab")),
        ("D102 412F 9000", None),
        ("D100 9000", None),
        ("6D00", None),
        ("6E00", None),
    ] {
        let responses = [NO_PIN, answer, NO_PIN];
        let mut key = Fake::new(|number| response(responses[number]));
        for _ in 0..2 {
            let serial = key.in_session(|session| Ok(session.description().serial)).unwrap();
            assert_eq!(serial.as_deref(), expected, "{answer}");
        }
        assert_eq!(key.commands, 3);
    }
}

/// A late response to another program must not fix the identity of the key.
#[test]
fn another_response_than_the_serial_number_is_not_kept() {
    let entry = format!("{ALICE} 9000");
    for answer in ["9000", NO_PIN, &entry, "D105 4142 9000", "6F00"] {
        let responses = [NO_PIN, answer, NO_PIN, SERIAL_RESPONSE];
        let mut key = Fake::new(|number| response(responses[number]));
        let serial = |session: &mut Session<'_>| Ok(session.description().serial);
        assert!(matches!(key.in_session(serial), Err(Error::Malformed(_))), "{answer}");
        assert_eq!(key.in_session(serial).unwrap().as_deref(), Some(SERIAL), "{answer}");
    }
}

#[test]
fn a_cancelled_list_ends_between_two_pages() {
    let page = format!("{} 9000", ALICE.replacen("01", "81", 1));
    let person = Person::default();
    person.leaves.store(true, Ordering::Relaxed);
    let (listed, sent) =
        scripted(&[NO_PIN, SERIAL_RESPONSE, &page], |session| session.list_while_awaited(&person));
    assert_eq!((listed, sent.len()), (Err(Error::Device(device::Error::Busy)), 3));
}

#[test]
fn a_code_belongs_to_the_step_that_was_asked_for() {
    let list = format!("{ALICE} 9000");
    let step = MovingFactor::Step(Step(0x27bc_86aa));
    let (code, sent) = scripted(&[NO_PIN, SERIAL_RESPONSE, &list, &list], |session| {
        session.code("alice", step, &Person::default())
    });
    assert_eq!(code.unwrap(), "94287082");
    // 20,000,000,000 is the last moment of RFC 6238, appendix B; its step begins 20 s earlier.
    assert_eq!(sent[3], "80C5050000001301 00000004A817C7EC 03415753 05616C696365".replace(' ', ""));
}

#[test]
fn a_counter_advances_only_when_it_is_asked_to() {
    let list = format!("{CAROL} 9000");
    let step = MovingFactor::Step(Step(1));
    let (code, sent) = scripted(&[NO_PIN, SERIAL_RESPONSE, &list], |session| {
        session.code("carol", step, &Person::default())
    });
    assert!(matches!(code, Err(Error::Unsupported(_))));
    assert_eq!(sent.len(), 3, "the entry is not read");
    let with_code = format!("{CAROL} 06373535323234 9000");
    let (code, _) = scripted(&[NO_PIN, SERIAL_RESPONSE, &list, &with_code], |session| {
        session.code("carol", MovingFactor::Counter, &Person::default())
    });
    assert_eq!(code.unwrap(), "755224");
}

#[test]
fn a_caller_that_has_left_spends_nothing() {
    let list = format!("{CAROL} 9000");
    let person = Person::default();
    person.leaves.store(true, Ordering::Relaxed);
    let (code, sent) = scripted(&[NO_PIN, SERIAL_RESPONSE, &list], |session| {
        session.code("carol", MovingFactor::Counter, &person)
    });
    assert_eq!(code, Err(Error::Device(device::Error::Busy)));
    assert_eq!(sent.len(), 3);
}

#[test]
fn each_refusal_of_a_code_has_its_error() {
    let list = format!("{ALICE} 9000");
    let other = format!("{} 9000", ALICE.replace("616C696365", "616C696366"));
    let changed = format!("{} 9000", ALICE.replace("001E", "003C"));
    for (answer, expected) in [
        ("6A80", Error::NoSuchCredential),
        ("6A83", Error::NoSuchCredential),
        ("6FF9", Error::TouchTimedOut),
        ("6982", Error::Locked),
        ("6985", Error::Locked),
        ("6983", Error::PinBlocked),
        ("6F00", Error::Malformed("a command was refused with status 6F00".to_owned())),
        (&changed, Error::NoSuchCredential),
        (&other, Error::Malformed("the key has sent another entry".to_owned())),
        ("9000", Error::Malformed("the key has sent another entry".to_owned())),
    ] {
        let (code, _) = scripted(&[NO_PIN, SERIAL_RESPONSE, &list, answer], |session| {
            session.code("alice", MovingFactor::Step(Step(1)), &Person::default())
        });
        assert_eq!(code, Err(expected), "{answer}");
    }
}
