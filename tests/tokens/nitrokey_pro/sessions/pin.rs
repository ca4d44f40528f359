//! Codes that require the user PIN.

use super::super::{AUTHENTICATE, GET_CODE};
use super::{TOKEN, begin, token};
use oathbridge::device::NoProgress;
use oathbridge::oath::{Error, KeySlot, MovingFactor, OathSession, UnlockKey};
use oathbridge::otp::Step;
use oathbridge::secret::{SecretBytes, SecretText};
use oathbridge::virt::VirtualToken;

fn with_pin() -> String {
    TOKEN.replace("\"nitrokey-pro\"", "\"nitrokey-pro\"\npin = \"123456\"")
}

fn keys(pin: &str) -> KeySlot {
    UnlockKey::new(SecretBytes::new(pin.as_bytes().to_vec())).into()
}

fn attempts_at_pin(token: &VirtualToken) -> usize {
    token.nitrokey_pro_commands().iter().filter(|command| **command == AUTHENTICATE).count()
}

#[test]
fn a_token_whose_codes_require_the_pin_is_locked_until_it_is_given() {
    let (token, mut interface, clock) = token(&with_pin(), 59);
    let mut session = begin(&mut interface, &clock);
    let description = session.description();
    assert_eq!((description.pin_set, description.attempts_left), (true, None));
    assert!(session.is_locked());
    assert_eq!(session.unlock(&KeySlot::default()), Err(Error::Locked));
    let key = session.unlock_key(&SecretText::from("123456")).unwrap().unwrap();
    session.unlock(&key.into()).unwrap();
    assert_eq!((session.is_locked(), attempts_at_pin(&token)), (false, 0), "a reading tries no PIN");
    let listed = session.list_with_pin(&NoProgress).unwrap();
    assert!(listed.len() == 3 && listed.iter().all(|one| one.is_pin_protected));
    let code = session.calculate(&listed[0], MovingFactor::Step(Step(1)), &NoProgress).unwrap();
    assert_eq!(code.expose(), "94287082");
    let code = session.calculate(&listed[2], MovingFactor::Counter, &NoProgress).unwrap();
    assert_eq!((code.expose(), attempts_at_pin(&token)), ("755224", 1), "once in a session");
}

#[test]
fn without_the_pin_no_code_is_requested() {
    let (token, mut interface, clock) = token(&with_pin(), 59);
    let mut session = begin(&mut interface, &clock);
    let listed = session.list().unwrap();
    let result = session.calculate(&listed[0], MovingFactor::Step(Step(1)), &NoProgress);
    assert_eq!(result, Err(Error::Locked));
    assert!(!token.nitrokey_pro_commands().contains(&GET_CODE));
}

#[test]
fn a_wrong_pin_is_tried_once_and_a_blocked_one_has_its_own_error() {
    let (token, mut interface, clock) = token(&with_pin(), 59);
    for (left, expected) in
        [(2, Error::WrongPin(Some(2))), (1, Error::WrongPin(Some(1))), (0, Error::PinBlocked)]
    {
        let mut session = begin(&mut interface, &clock);
        session.unlock(&keys("654321")).unwrap();
        assert_eq!(session.list_with_pin(&NoProgress), Err(expected));
        drop(session);
        let mut session = begin(&mut interface, &clock);
        session.read_attempts().unwrap();
        assert_eq!(session.description().attempts_left, Some(left));
    }
    assert_eq!(attempts_at_pin(&token), 3);
    let mut session = begin(&mut interface, &clock);
    session.unlock(&keys("123456")).unwrap();
    assert_eq!(session.list_with_pin(&NoProgress), Err(Error::PinBlocked), "the right one is too late");
}

#[test]
fn a_right_pin_gives_the_attempts_back() {
    let (_token, mut interface, clock) = token(&with_pin(), 59);
    let mut session = begin(&mut interface, &clock);
    session.unlock(&keys("654321")).unwrap();
    assert_eq!(session.list_with_pin(&NoProgress), Err(Error::WrongPin(Some(2))));
    assert_eq!(session.description().attempts_left, Some(2));
    session.unlock(&keys("123456")).unwrap();
    session.list_with_pin(&NoProgress).unwrap();
    assert_eq!(session.description().attempts_left, Some(3));
}

#[test]
fn a_pin_that_no_token_has_is_not_tried() {
    let (_token, mut interface, clock) = token(&with_pin(), 59);
    let session = begin(&mut interface, &clock);
    assert!(session.unlock_key(&SecretText::from("1234567890123456789012345")).unwrap().is_some());
    let long = session.unlock_key(&SecretText::from("12345678901234567890123456"));
    assert!(matches!(long, Err(Error::Unsupported(_))));
    drop(session);
    let (_token, mut interface, clock) = token(TOKEN, 59);
    let without = begin(&mut interface, &clock).unlock_key(&SecretText::from("123456"));
    assert!(matches!(without, Ok(None)));
}
