//! The PIN of a Nitrokey 3.

use super::super::Session;
use super::{SELECT, Script, Touches, credential, select};
use crate::device::NoProgress;
use crate::oath::{Credential, Error, KeySlot, Kind, MovingFactor, OathSession, Touch};
use crate::otp::Step;

const VERIFY: &str = "00 B2 00 00 08 80 06 313233343536";
const LIST: &str = "00 A1 00 00 01 01";
const CALCULATE: &str = "00 A2 00 01 15 71 09 4157533A616C696365 74 08 0000000000000001";

/// SELECT with a number of attempts left.
fn selected(attempts: u8) -> String {
    format!("79 03 04 10 00 82 01 {attempts:02X} 8F 04 01 02 03 04 90 00")
}

/// A session after SELECT that has the PIN.
fn with_pin(script: &mut Script) -> Session<'_> {
    let mut session = select(script).unwrap();
    let key = session.unlock_key(&"123456".into()).unwrap().unwrap();
    session.unlock(&KeySlot::from(key)).unwrap();
    session
}

fn protected() -> Credential {
    Credential { is_pin_protected: true, ..credential("AWS:alice", Kind::Totp, Touch::Yes) }
}

#[test]
fn the_list_follows_the_pin_without_another_command_between() {
    let script = &mut Script::new(&[
        (SELECT, &selected(5)),
        (VERIFY, "90 00"),
        (LIST, "72 03 21 61 00 72 03 21 62 02 72 03 21 63 03 90 00"),
        (SELECT, &selected(8)),
    ]);
    let touches = Touches::default();
    let mut session = with_pin(script);
    let listed = session.list_with_pin(&touches).unwrap();
    let properties: Vec<_> = listed.iter().map(|one| (one.is_pin_protected, one.touch)).collect();
    assert_eq!(properties, [(false, Touch::No), (true, Touch::Yes), (true, Touch::Yes)]);
    assert_eq!(touches.count(), 1);
    let description = session.description();
    assert_eq!((description.pin_set, description.attempts_left), (true, Some(8)));
    script.assert_finished();
}

/// A Nitrokey 3 over CCID loses the first page of a long list.
#[test]
fn a_lost_list_after_the_pin_shows_the_attempts_left() {
    let script = &mut Script::new(&[
        (SELECT, &selected(5)),
        (VERIFY, "90 00"),
        (LIST, "61 FF"),
        (SELECT, &selected(8)),
    ]);
    let mut session = with_pin(script);
    assert_eq!(session.list_with_pin(&NoProgress), Err(Error::PinListIncomplete));
    assert_eq!(session.description().attempts_left, Some(8));
    script.assert_finished();
}

#[test]
fn each_code_of_a_protected_credential_has_its_own_verification() {
    let step = ("00 B2 00 00 08 80 06 313233343536", "90 00");
    let code = (CALCULATE, "76 05 08 41397EEA 90 00");
    let script = &mut Script::new(&[(SELECT, &selected(8)), step, code, step, code]);
    let mut session = with_pin(script);
    for _ in 0..2 {
        let factor = MovingFactor::Step(Step(1));
        assert_eq!(session.calculate(&protected(), factor, &NoProgress).unwrap().expose(), "94287082");
    }
    script.assert_finished();
}

#[test]
fn a_refusal_is_one_error_and_no_second_attempt() {
    let again = |attempts| vec![(SELECT, selected(attempts))];
    for (answer, then, expected) in [
        ("63 00", again(7), Error::WrongPin(Some(7))),
        ("63 C6", again(6), Error::WrongPin(Some(6))),
        ("63 00", again(0), Error::PinBlocked),
        ("63 00", vec![(SELECT, "6F 00".to_owned())], Error::WrongPin(Some(3))),
        ("69 83", vec![], Error::PinBlocked),
        ("69 82", vec![], Error::TouchTimedOut),
    ] {
        let (first, verified) = (selected(4), (VERIFY, answer));
        let mut steps = vec![(SELECT, first.as_str()), verified];
        steps.extend(then.iter().map(|(command, answer)| (*command, answer.as_str())));
        let script = &mut Script::new(&steps);
        assert_eq!(with_pin(script).list_with_pin(&NoProgress), Err(expected), "{answer}");
        script.assert_finished();
    }
}

#[test]
fn without_the_pin_nothing_is_sent() {
    let script = &mut Script::new(&[(SELECT, &selected(8))]);
    let mut session = select(script).unwrap();
    let factor = MovingFactor::Step(Step(1));
    assert_eq!(session.calculate(&protected(), factor, &NoProgress).err(), Some(Error::Locked));
    let slot = KeySlot::from(session.unlock_key(&"123456".into()).unwrap().unwrap());
    session.unlock(&slot).unwrap();
    slot.wipe();
    assert_eq!(session.list_with_pin(&NoProgress), Err(Error::Locked));
    script.assert_finished();
}

#[test]
fn an_application_that_does_not_list_what_is_protected_and_a_long_pin_are_refused() {
    let script = &mut Script::new(&[(SELECT, "79 03 04 0A 00 82 01 08 8F 04 01 02 03 04 90 00")]);
    assert!(matches!(with_pin(script).list_with_pin(&NoProgress), Err(Error::Unsupported(_))));
    script.assert_finished();
    let script = &mut Script::new(&[(SELECT, &selected(8))]);
    let session = select(script).unwrap();
    assert!(session.unlock_key(&"1".repeat(127).as_str().into()).is_ok());
    let too_long = session.unlock_key(&"1".repeat(128).as_str().into());
    assert!(matches!(too_long, Err(Error::Unsupported(_))));
}
