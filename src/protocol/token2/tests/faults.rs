//! Each fault over HID has its own error, within its deadline.

use super::super::Error as KeyError;
use super::*;

/// The error of a command, and the time that it took.
fn failure(answer: &[Vec<u8>]) -> (KeyError, Duration) {
    let mut key = Fake::new(|_| answer.to_vec());
    key.insertion.set_answered();
    key.insertion.set_late(false);
    let error = key.send(&serial(), Wait::None, &Person::default()).unwrap_err();
    assert!(!key.is_locked, "the lock is released");
    (error, key.clock.monotonic())
}

#[test]
fn each_fault_has_its_error() {
    let long = response(&("D1".repeat(200) + "9000"));
    let foreign = [vec![0, 0, 0xab, 0xcd, 0xbb], vec![0; REPORT - 5]].concat();
    let too_long = response(&("D1".repeat(16_500) + "9000"));
    let second = Duration::from_secs(1);
    for (answer, error, limit) in [
        (vec![], KeyError::Silence, 3 * second),
        (vec![foreign.clone(); 3], KeyError::Silence, 3 * second),
        (vec![foreign; 9_000], KeyError::Flood, second),
        (vec![busy()], KeyError::StaysBusy, 3 * second),
        (long[..1].to_vec(), KeyError::BrokenOff, 3 * second),
        (vec![long[0].clone(), long[2].clone()], KeyError::Sequence { expected: 1, received: 2 }, second),
        (vec![long[1].clone()], KeyError::Sequence { expected: 0, received: 1 }, second),
        (vec![long[0][..63].to_vec()], KeyError::ReportLength(63), second),
        (vec![[&long[0][..], &[0]].concat()], KeyError::ReportLength(65), second),
        (response("90"), KeyError::Length(1), second),
        (too_long, KeyError::Length(16_409), second),
    ] {
        let (seen, time) = failure(&answer);
        assert_eq!(seen, error);
        assert!(time <= limit, "{error:?} after {time:?}");
    }
}

/// A key that is busy without end sends a report each 50 ms.
struct Busy(Arc<ManualClock>);

impl Reports for Busy {
    fn send(&mut self, _: &[u8]) -> Result<(), device::Error> {
        Ok(())
    }

    fn receive(&mut self, report: &mut [u8], timeout: Duration) -> Result<usize, device::Error> {
        if timeout.is_zero() {
            return Ok(0);
        }
        self.0.advance(timeout);
        report.copy_from_slice(&busy());
        Ok(REPORT)
    }
}

#[test]
fn a_key_that_stays_busy_is_given_up() {
    for (wait, limit) in [(Wait::None, 6), (Wait::Touch, 30)] {
        let clock = Arc::new(ManualClock::at(NOW));
        let insertion = Insertion::default();
        insertion.set_late(false);
        let mut reports = Busy(Arc::clone(&clock));
        let result = Key::new(&mut reports, &*clock, &insertion).send(&serial(), wait, &Person::default());
        assert_eq!(result.unwrap_err(), KeyError::StaysBusy);
        assert_eq!(clock.monotonic().as_secs(), limit);
    }
}

/// A key that does not take the report of a command, for example because its contact is bad.
struct Dead;

impl Reports for Dead {
    fn send(&mut self, _: &[u8]) -> Result<(), device::Error> {
        Err(device::Error::NoAnswer(String::new()))
    }

    fn receive(&mut self, _: &mut [u8], _: Duration) -> Result<usize, device::Error> {
        Ok(0)
    }
}

/// Otherwise the token would vanish without a word, and no attempt would follow.
#[test]
fn a_key_that_does_not_take_a_command_has_not_said_that_it_has_no_such_application() {
    let (clock, insertion) = (ManualClock::at(NOW), Insertion::default());
    let sent = Key::new(&mut Dead, &clock, &insertion).send(&serial(), Wait::None, &Person::default());
    assert_eq!(sent, Err(KeyError::Device(device::Error::NoAnswer(String::new()))));
}

/// It may send the response of an earlier command, with a code for another time.
#[test]
fn a_key_that_is_at_work_is_sent_nothing() {
    let clock = Arc::new(ManualClock::at(NOW));
    let insertion = Insertion::default();
    let mut reports = Busy(Arc::clone(&clock));
    let result = Key::new(&mut reports, &*clock, &insertion).send(&serial(), Wait::None, &Person::default());
    assert_eq!(result.unwrap_err(), KeyError::StaysBusy);
    assert!(clock.monotonic() < Duration::from_secs(2));
}

/// A key that is busy before each page has one limit for its whole list.
#[test]
fn all_pages_of_a_list_have_one_limit() {
    let mut key = Fake::new(|number| match number {
        0 => response(NO_PIN),
        1 => response(SERIAL_RESPONSE),
        _ => {
            let name = format!("{number:02X}");
            [vec![busy(); 2], response(&format!("81C1003C0601 00 01{name} 9000"))].concat()
        }
    });
    key.pause = Duration::from_millis(900);
    let listed = key.in_session(|session| session.list_names());
    assert!(matches!(listed, Err(Error::NoAnswer(_))), "{listed:?}");
    assert!(key.clock.monotonic() <= Duration::from_secs(9), "{:?}", key.clock.monotonic());
}

/// A late response must not be taken for that of the next command.
#[test]
fn after_an_incomplete_exchange_the_key_must_be_quiet_first() {
    let mut key = Fake::new(|number| if number == 0 { Vec::new() } else { response("02 9000") });
    let person = Person::default();
    key.insertion.set_answered();
    assert_eq!(key.send(&serial(), Wait::None, &person), Err(KeyError::Silence));
    key.queue.extend(response("01 9000"));
    let before = key.clock.monotonic();
    assert_eq!(key.send(&serial(), Wait::None, &person).unwrap(), "02 9000");
    assert_eq!((key.clock.monotonic() - before).as_millis(), 300);
    let before = key.clock.monotonic();
    assert_eq!(key.send(&serial(), Wait::None, &person).unwrap(), "02 9000");
    assert_eq!(key.clock.monotonic(), before, "a complete exchange is followed by none");
}

#[test]
fn each_fault_reaches_the_caller_as_an_error_of_its_kind() {
    use crate::oath::Error;
    for error in [KeyError::Silence, KeyError::StaysBusy, KeyError::BrokenOff, KeyError::Flood] {
        assert_eq!(Error::from(error.clone()), Error::NoAnswer(error.to_string()));
    }
    for error in [KeyError::ReportLength(1), KeyError::Length(1)] {
        assert_eq!(Error::from(error.clone()), Error::Malformed(error.to_string()));
    }
    assert_eq!(Error::from(KeyError::NotServed), Error::NoApplication);
    assert_eq!(Error::from(KeyError::Device(device::Error::Removed)), Error::Device(device::Error::Removed));
}
