//! Waits for a touch during which the interface goes, as when `ykinfo` takes it, and what the next exchange does.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use zeroize::Zeroizing;

use super::{Fake, Person, flags, idle, pieces};
use crate::clock::{Clock, ManualClock};
use crate::device::{Error as DeviceError, Reports};
use crate::otp::Step;
use crate::protocol::ykotp::{Error, Keyboard, LostWait, SlotNumber};

const DIGEST: [&str; 4] = ["75A48A19D4CBE140", "00644E8AC1397E41", "EA747A2D33AB1B42", "6E00000000000043"];

/// How long a YubiKey waits for a touch.
const KEY_LIMIT: Duration = Duration::from_secs(15);

/// An interface that goes after this number of reads since the frame.
struct Leaving<A>(Fake<A>, usize);

impl<A: FnMut(&[[u8; 8]], usize) -> Vec<u8> + Send> Reports for Leaving<A> {
    fn send(&mut self, report: &[u8]) -> Result<(), DeviceError> {
        self.0.send(report)
    }

    fn receive(&mut self, report: &mut [u8], timeout: Duration) -> Result<usize, DeviceError> {
        if self.0.sent.len() == 3 && self.0.reads == self.1 {
            return Err(DeviceError::Reset);
        }
        self.0.receive(report, timeout)
    }

    fn lock(&mut self, timeout: Duration) -> Result<(), DeviceError> {
        self.0.lock(timeout)
    }

    fn unlock(&mut self) {
        self.0.unlock();
    }
}

/// A report of a key whose wait began at this time.
fn waiting(clock: &ManualClock, since: Duration) -> Vec<u8> {
    let left = (since + KEY_LIMIT).saturating_sub(clock.monotonic());
    flags(0x20 | u8::try_from(left.as_secs()).unwrap())
}

fn fake<A: FnMut(&[[u8; 8]], usize) -> Vec<u8> + Send>(clock: &Arc<ManualClock>, answer: A) -> Fake<A> {
    let mut fake = Fake::new(answer);
    fake.clock = Arc::clone(clock);
    fake
}

/// A request whose interface goes while the key waits since the time 0.
fn lose(
    clock: &Arc<ManualClock>,
    lost: &LostWait,
    reads: usize,
    person: &Person,
) -> Result<Zeroizing<Vec<u8>>, Error> {
    let key = Arc::clone(clock);
    let answer = move |sent: &[[u8; 8]], _| {
        if sent.len() < 3 { idle() } else { waiting(&key, Duration::ZERO) }
    };
    let mut leaving = Leaving(fake(clock, answer), reads);
    Keyboard::of_insertion(&mut leaving, &**clock, lost).hmac(SlotNumber::Two, Step(1), person)
}

/// The next request: its result, how often the key was reset, and its duration. The key waits since a time.
fn next(
    clock: &Arc<ManualClock>,
    lost: &LostWait,
    since: Duration,
) -> (Result<usize, Error>, usize, Duration) {
    let (key, begin) = (Arc::clone(clock), clock.monotonic());
    let mut fake = fake(clock, |sent, reads| match sent.len() {
        0 => waiting(&key, since),
        // The reset, and the frame.
        1..=3 => idle(),
        _ => pieces(&DIGEST, reads - 1),
    });
    let mut keyboard = Keyboard::of_insertion(&mut fake, &**clock, lost);
    let result = keyboard.status();
    let result = result.and_then(|_| keyboard.hmac(SlotNumber::Two, Step(1), &Person::default()));
    let ended = clock.monotonic();
    drop(keyboard);
    // The last reset makes the key drop the response that was read.
    let resets = fake.resets() - usize::from(result.is_ok());
    (result.map(|digest| digest.len()), resets, ended - begin)
}

#[test]
fn our_own_wait_is_ended_and_the_key_is_used_at_once() {
    let (clock, lost) = (Arc::new(ManualClock::at(Duration::ZERO)), LostWait::default());
    let person = Person::default();
    assert_eq!(lose(&clock, &lost, 40, &person), Err(Error::Device(DeviceError::Reset)));
    assert_eq!(person.touches.load(Ordering::Relaxed), 1);
    clock.advance(Duration::from_millis(700));
    let (result, resets, duration) = next(&clock, &lost, Duration::ZERO);
    assert_eq!((result, resets), (Ok(20), 1));
    assert!(duration < Duration::from_millis(200), "after {duration:?}");
}

#[test]
fn a_wait_of_a_cancelled_request_is_ended_by_the_next_one() {
    let (clock, lost) = (Arc::new(ManualClock::at(Duration::ZERO)), LostWait::default());
    let person = Person::default();
    person.leaves.store(true, Ordering::Relaxed);
    assert_eq!(lose(&clock, &lost, 1, &person), Err(Error::Cancelled));
    clock.advance(Duration::from_secs(5));
    let (result, resets, _) = next(&clock, &lost, Duration::ZERO);
    assert_eq!((result, resets), (Ok(20), 1));
}

#[test]
fn a_wait_that_another_program_began_meanwhile_is_not_ended() {
    let (clock, lost) = (Arc::new(ManualClock::at(Duration::ZERO)), LostWait::default());
    assert_eq!(lose(&clock, &lost, 40, &Person::default()), Err(Error::Device(DeviceError::Reset)));
    clock.advance(Duration::from_secs(4));
    let (result, resets, _) = next(&clock, &lost, clock.monotonic());
    assert_eq!((result, resets), (Err(Error::InUse), 0));
}

#[test]
fn a_wait_after_an_idle_key_is_not_ours() {
    let (clock, lost) = (Arc::new(ManualClock::at(Duration::ZERO)), LostWait::default());
    assert_eq!(lose(&clock, &lost, 1, &Person::default()), Err(Error::Device(DeviceError::Reset)));
    let mut answer = fake(&clock, |_, _| idle());
    Keyboard::of_insertion(&mut answer, &*clock, &lost).status().unwrap();
    let (result, resets, _) = next(&clock, &lost, Duration::ZERO);
    assert_eq!((result, resets), (Err(Error::InUse), 0));
}
