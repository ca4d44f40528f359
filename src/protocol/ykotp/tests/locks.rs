//! Other programs that honour the lock of the device.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Fake, Person, flags, idle, pieces};
use crate::device::NoProgress;
use crate::otp::Step;
use crate::protocol::ykotp::{Error, Keyboard, SlotNumber};

const DIGEST: [&str; 4] = ["75A48A19D4CBE140", "00644E8AC1397E41", "EA747A2D33AB1B42", "6E00000000000043"];

#[test]
fn the_lock_is_held_from_the_status_to_the_frame() {
    let locks = Arc::<AtomicUsize>::default();
    let count = Arc::clone(&locks);
    // When the lock was free, another program has left the key in a wait for a touch.
    let mut fake = Fake::new(move |sent, reads| match (sent.len(), reads) {
        (3, _) => pieces(&DIGEST, reads - 1),
        (0, _) if count.load(Ordering::Relaxed) > 1 => flags(0x2f),
        _ => idle(),
    });
    fake.locks = locks;
    let clock = fake.clock.clone();
    let mut keyboard = Keyboard::new(&mut fake, &*clock);
    keyboard.status().unwrap();
    keyboard.hmac(SlotNumber::Two, Step(1), &NoProgress).unwrap();
    drop(keyboard);
    assert_eq!((fake.locks.load(Ordering::Relaxed), fake.is_locked), (1, false));
}

#[test]
fn a_status_without_a_request_leaves_no_lock() {
    let mut fake = Fake::new(|_, _| idle());
    let clock = fake.clock.clone();
    let mut keyboard = Keyboard::new(&mut fake, &*clock);
    keyboard.status().unwrap();
    keyboard.status().unwrap();
    drop(keyboard);
    assert!(!fake.is_locked && fake.sent.is_empty());
}

/// The key waits for a touch until the caller leaves. Then this is its report, since another program has used it.
fn resets_of_a_cancelled_wait(afterwards: Vec<u8>) -> usize {
    let locks = Arc::<AtomicUsize>::default();
    let count = Arc::clone(&locks);
    let mut fake = Fake::new(move |sent, _| match sent.len() {
        3 if count.load(Ordering::Relaxed) > 1 => afterwards.clone(),
        3 => flags(0x2f),
        _ => idle(),
    });
    fake.locks = locks;
    let clock = fake.clock.clone();
    let person = Person::default();
    person.leaves.store(true, Ordering::Relaxed);
    let result = Keyboard::new(&mut fake, &*clock).hmac(SlotNumber::Two, Step(1), &person);
    assert_eq!((result, fake.is_locked), (Err(Error::Cancelled), false));
    fake.resets()
}

#[test]
fn a_cancellation_resets_no_key_that_another_program_uses() {
    assert_eq!(resets_of_a_cancelled_wait(flags(0x2f)), 1);
    assert_eq!(resets_of_a_cancelled_wait(idle()), 0);
    assert_eq!(resets_of_a_cancelled_wait(flags(0x80)), 0);
}
