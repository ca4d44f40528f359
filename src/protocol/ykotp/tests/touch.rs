//! Waits for a touch.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{Fake, Person, flags, idle, pieces};
use crate::clock::Clock;
use crate::otp::Step;
use crate::protocol::ykotp::{Error, Keyboard, SlotNumber};

const DIGEST: [&str; 4] = ["75A48A19D4CBE140", "00644E8AC1397E41", "EA747A2D33AB1B42", "6E00000000000043"];

#[test]
fn a_touch_is_requested_once_and_gives_the_code() {
    let person = Person::default();
    let mut fake = Fake::new(|sent, reads| match (sent.len(), reads) {
        (3, 1..=2) => flags(0x80),
        (3, 3..=40) => flags(0x20 | 0x0f),
        (3, 41..=44) => flags(0x80),
        (3, reads) => pieces(&DIGEST, reads - 45),
        _ => idle(),
    });
    let clock = fake.clock.clone();
    let digest = Keyboard::new(&mut fake, &*clock).hmac(SlotNumber::Two, Step(1), &person).unwrap();
    assert_eq!((digest.len(), person.touches.load(Ordering::Relaxed)), (20, 1));
}

#[test]
fn a_touch_that_does_not_come_is_not_requested_again() {
    let person = Person::default();
    let mut fake = Fake::new(|sent, reads| match (sent.len(), reads) {
        (3, 1..=300) => flags(0x21),
        _ => idle(),
    });
    let clock = fake.clock.clone();
    let result = Keyboard::new(&mut fake, &*clock).hmac(SlotNumber::Two, Step(1), &person);
    assert_eq!(result, Err(Error::TouchTimedOut));
    assert_eq!((fake.sent.len(), fake.resets()), (3, 0), "the key has ended its wait");
}

/// The serial number requires no touch, and the wait of the other program is not ended.
#[test]
fn a_key_that_waits_for_a_touch_for_another_program_is_in_use() {
    let mut fake = Fake::new(|sent, _| if sent.is_empty() { idle() } else { flags(0x2f) });
    let clock = fake.clock.clone();
    let result = Keyboard::new(&mut fake, &*clock).serial();
    assert_eq!(result, Err(Error::InUse));
    assert!(clock.monotonic() < Duration::from_secs(1), "after {:?}", clock.monotonic());
    assert_eq!((fake.resets(), fake.is_locked), (0, false));
}

#[test]
fn a_key_that_waits_for_ever_is_reset() {
    let mut fake = Fake::new(|sent, _| match sent.len() {
        3..=5 => flags(0x3f),
        _ => idle(),
    });
    let clock = fake.clock.clone();
    let result = Keyboard::new(&mut fake, &*clock).hmac(SlotNumber::Two, Step(1), &Person::default());
    assert_eq!(result, Err(Error::TouchTimedOut));
    assert!((35_000..36_000).contains(&clock.monotonic().as_millis()));
    assert_eq!(fake.resets(), 3, "until the wait has ended");
}

#[test]
fn a_cancellation_ends_the_wait_of_the_key() {
    let person = Person::default();
    person.leaves.store(true, Ordering::Relaxed);
    let mut fake = Fake::new(|sent, _| match sent.len() {
        3..=4 => flags(0x2f),
        _ => idle(),
    });
    let clock = fake.clock.clone();
    let result = Keyboard::new(&mut fake, &*clock).hmac(SlotNumber::Two, Step(1), &person);
    assert_eq!(result, Err(Error::Cancelled));
    assert_eq!((fake.resets(), fake.is_locked), (2, false));
    assert!(clock.monotonic() < Duration::from_secs(1));
}

#[test]
fn a_cancelled_request_does_not_disturb_another_program() {
    let person = Person::default();
    person.leaves.store(true, Ordering::Relaxed);
    let mut fake = Fake::new(|_, _| flags(0x2f));
    let clock = fake.clock.clone();
    let result = Keyboard::new(&mut fake, &*clock).hmac(SlotNumber::Two, Step(1), &person);
    assert_eq!(result, Err(Error::Cancelled));
    assert!(fake.sent.is_empty());
}

#[test]
fn no_lock_is_held_while_the_key_waits() {
    struct Watched(std::sync::Arc<std::sync::atomic::AtomicBool>);
    impl crate::device::Progress for Watched {
        fn touch_needed(&self) {
            assert!(!self.0.load(Ordering::Relaxed));
        }
        fn is_cancelled(&self) -> bool {
            false
        }
    }
    struct Locked<A>(Fake<A>, std::sync::Arc<std::sync::atomic::AtomicBool>);
    impl<A: FnMut(&[[u8; 8]], usize) -> Vec<u8> + Send> crate::device::Reports for Locked<A> {
        fn send(&mut self, report: &[u8]) -> Result<(), crate::device::Error> {
            assert!(self.1.load(Ordering::Relaxed), "a report without the lock");
            self.0.is_locked = true;
            self.0.send(report)
        }
        fn receive(&mut self, report: &mut [u8], timeout: Duration) -> Result<usize, crate::device::Error> {
            self.0.receive(report, timeout)
        }
        fn lock(&mut self, _timeout: Duration) -> Result<(), crate::device::Error> {
            self.1.store(true, Ordering::Relaxed);
            Ok(())
        }
        fn unlock(&mut self) {
            self.1.store(false, Ordering::Relaxed);
        }
    }
    let is_locked = std::sync::Arc::default();
    let fake = Fake::new(|sent, reads| match (sent.len(), reads) {
        (3, 1) => flags(0x2f),
        (3, reads) => pieces(&DIGEST, reads - 2),
        _ => idle(),
    });
    let clock = fake.clock.clone();
    let mut locked = Locked(fake, std::sync::Arc::clone(&is_locked));
    Keyboard::new(&mut locked, &*clock).hmac(SlotNumber::Two, Step(1), &Watched(is_locked)).unwrap();
}
