//! Other programs at the same key.

use super::super::Error;
use super::*;

#[test]
fn a_request_that_was_dropped_is_sent_again_at_once() {
    let mut key = Fake::new(|number, _| if number < 2 { stranger() } else { secrets("9000") });
    assert_eq!(key.exchange(&calculate(), &Person::default()).unwrap(), " 9000");
    assert_eq!(key.commands(), [command::SECRETS; 3]);
    assert_eq!(key.clock.monotonic(), Duration::ZERO);
}

#[test]
fn a_request_that_waits_for_a_touch_is_sent_again_when_the_other_program_has_released_the_lock() {
    let waits = message(CHANNEL, command::KEEPALIVE, &[2]);
    let mut key = Fake::new(
        move |number, _| if number == 0 { [waits.clone(), stranger()].concat() } else { Vec::new() },
    );
    assert!(key.exchange(&calculate(), &Person::default()).is_err());
    assert_eq!(key.locked_sends[..2], [true, true]);
    // The lock is held when the queue is emptied before the request, and not while a person is waited for.
    assert!(key.locks.len() > 1);
    assert!(key.locks.iter().skip(1).all(|is_locked| !is_locked));
}

#[test]
fn the_late_response_to_our_own_allocation_is_no_sign() {
    let own = message([0xff; 4], command::INIT, &[&NONCE[..], &OTHER, &[2, 1, 9, 0, 5]].concat());
    let mut key = Fake::new(move |_, _| [own.clone(), secrets("9000")].concat());
    key.exchange(&calculate(), &Person::default()).unwrap();
    assert_eq!(key.messages, 1);
}

#[test]
fn a_counter_is_not_advanced_twice() {
    let mut key = Fake::new(|_, _| stranger());
    assert_eq!(key.exchange(&counter(), &Person::default()), Err(Error::Interrupted));
    assert_eq!(key.commands(), [command::SECRETS, command::CANCEL]);
}

#[test]
fn a_request_that_uses_up_an_authorisation_is_not_sent_again() {
    for request in [list(), calculate()] {
        let mut key = Fake::new(|_, _| stranger());
        assert_eq!(key.exchange(&request.once(), &Person::default()), Err(Error::Interrupted));
        assert_eq!(key.commands(), [command::SECRETS, command::CANCEL]);
    }
}

#[test]
fn a_response_in_the_middle_of_which_another_program_begins_is_complete_or_requested_again() {
    let long = "9000".to_owned() + &"72".repeat(100);
    let reports = secrets(&long);
    let [first, rest @ ..] = reports.as_slice() else { panic!("one report") };
    let with_rest = [vec![first.clone()], stranger(), rest.to_vec()].concat();
    let mut key = Fake::new(|_, _| with_rest.clone());
    key.exchange(&list(), &Person::default()).unwrap();
    assert_eq!(key.messages, 1);

    let without_rest = [vec![first.clone()], stranger()].concat();
    let mut key = Fake::new(|number, _| if number == 0 { without_rest.clone() } else { reports.clone() });
    key.exchange(&list(), &Person::default()).unwrap();
    assert_eq!(key.messages, 2);
}

#[test]
fn a_busy_key_is_asked_again_for_two_seconds() {
    let mut key = Fake::new(|number, _| match number {
        0 => error(0x06),
        1 => error(0x00),
        _ => secrets("9000"),
    });
    key.exchange(&counter(), &Person::default()).unwrap();
    assert_eq!(key.messages, 3);

    let clock = Arc::new(ManualClock::at(Duration::ZERO));
    let passing = Arc::clone(&clock);
    let mut key = Fake::new(move |_, _| {
        passing.advance(Duration::from_millis(500));
        error(0x06)
    });
    key.clock = clock;
    assert_eq!(key.exchange(&calculate(), &Person::default()), Err(Error::Busy));
    assert_eq!(key.messages, 5);
}

#[test]
fn an_invalid_sequence_is_repeated_once() {
    let mut key = Fake::new(|number, _| if number == 0 { error(0x04) } else { secrets("9000") });
    key.exchange(&counter(), &Person::default()).unwrap();
    assert_eq!(key.messages, 2);
    let mut key = Fake::new(|_, _| error(0x04));
    assert_eq!(key.exchange(&counter(), &Person::default()), Err(Error::Refused(0x04)));
    assert_eq!(key.messages, 2);
}

#[test]
fn reports_from_before_the_request_and_for_other_channels_are_dropped() {
    let other = message(OTHER, command::SECRETS, &[0x69, 0x82]);
    let mut key = Fake::new(move |_, _| [other.clone(), secrets("9000")].concat());
    let clock = Arc::clone(&key.clock);
    let own = key.connect().unwrap();
    let mut session = Key::connect(&mut key, &*clock, &own).unwrap();
    assert_eq!(session.exchange(&list(), &Person::default()).unwrap().status.0, 0x9000);
    key.queue.extend(secrets("6A80"));
    assert_eq!(key.exchange(&list(), &Person::default()).unwrap(), " 9000");
}
