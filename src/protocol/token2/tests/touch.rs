//! Entries that need a touch.

use super::*;
use crate::oath::MovingFactor;
use crate::otp::Step;

const STEP: MovingFactor = MovingFactor::Step(Step(1));

/// The answers of a key whose entry BOB has been read with this last response.
fn answers(last: Vec<Vec<u8>>) -> impl FnMut(usize) -> Vec<Vec<u8>> {
    let list = format!("{BOB} 9000");
    let first = [NO_PIN, SERIAL_RESPONSE, list.as_str()].map(response);
    move |number| first.get(number).cloned().unwrap_or_else(|| last.clone())
}

#[test]
fn a_touch_is_announced_at_once_for_an_entry_with_a_button() {
    let code = [vec![busy(); 3], response(&format!("{BOB} 06313139323436 9000"))].concat();
    let mut key = Fake::new(answers(code));
    let person = Person::default();
    assert_eq!(key.in_session(|session| session.code("bob", STEP, &person)).unwrap(), "119246");
    assert_eq!(person.touches(), 1);
}

#[test]
fn a_missing_touch_is_an_error_of_its_own() {
    let mut key = Fake::new(answers([vec![busy()], response("6FF9")].concat()));
    let code = key.in_session(|session| session.code("bob", STEP, &Person::default()));
    assert_eq!(code, Err(Error::TouchTimedOut));
}

/// The lists says that it needs no touch, but the key stays busy.
#[test]
fn a_touch_that_the_list_does_not_show_is_announced_after_half_a_second() {
    let mut key = Fake::new(|_| vec![busy()]);
    let person = Person::default();
    let error = key.send(&serial(), Wait::Touch, &person).unwrap_err();
    assert_eq!((error, person.touches()), (super::super::Error::StaysBusy, 1));
    let held = key.locks.iter().filter(|is_locked| **is_locked).count();
    assert_eq!(
        held,
        1 + 10,
        "the lock is held for half a second, in slices of 50 ms, and before the command"
    );
    assert!(key.locks.len() > 50);
}

#[test]
fn a_command_without_a_touch_announces_none() {
    let mut key = Fake::new(|_| vec![busy()]);
    let person = Person::default();
    let _ = key.send(&serial(), Wait::None, &person);
    assert_eq!(person.touches(), 0);
    assert!(key.locks.iter().all(|is_locked| *is_locked));
}

/// A response that comes after the caller has left must not be taken for that of the next command.
#[test]
fn a_caller_that_leaves_does_not_end_the_exchange() {
    let mut key = Fake::new(|_| [vec![busy()], response("01 9000")].concat());
    let person = Person::default();
    person.leaves.store(true, Ordering::Relaxed);
    assert_eq!(key.send(&serial(), Wait::Touch, &person).unwrap(), "01 9000");
}
