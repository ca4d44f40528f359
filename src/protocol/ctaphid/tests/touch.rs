//! Waits for a touch: their notice, their end, and their cancellation.

use super::super::Error;
use super::*;

/// Lets the key answer the message `number` after `time`.
fn after<A: FnMut(usize, u8) -> Vec<Vec<u8>> + Send>(
    mut key: Fake<A>,
    time: Duration,
    answer: Vec<Vec<u8>>,
) -> Late<A> {
    let end = key.clock.monotonic() + time;
    key.queue.clear();
    Late { key, end, answer: Some(answer) }
}

/// A key whose response comes at a time of its clock.
struct Late<A> {
    key: Fake<A>,
    end: Duration,
    answer: Option<Vec<Vec<u8>>>,
}

impl<A: FnMut(usize, u8) -> Vec<Vec<u8>> + Send> Reports for Late<A> {
    fn send(&mut self, report: &[u8]) -> Result<(), crate::device::Error> {
        self.key.send(report)
    }

    fn receive(&mut self, report: &mut [u8], timeout: Duration) -> Result<usize, crate::device::Error> {
        if self.key.clock.monotonic() >= self.end {
            self.key.queue.extend(self.answer.take().unwrap_or_default());
        }
        self.key.receive(report, timeout)
    }

    fn lock(&mut self, timeout: Duration) -> Result<(), crate::device::Error> {
        self.key.lock(timeout)
    }

    fn unlock(&mut self) {
        self.key.unlock();
    }
}

/// The status of a calculation that takes this time, the number of notices, and the key.
fn calculated(time: Duration, status: &str) -> (Result<String, Error>, usize, Vec<bool>) {
    let person = Person::default();
    let mut late = after(Fake::new(|_, _| Vec::new()), time, secrets(status));
    let clock = Arc::clone(&late.key.clock);
    let own = late.key.connect().unwrap();
    let mut key = Key::connect(&mut late, &*clock, &own).unwrap();
    let result = key.exchange(&calculate(), &person).map(|response| response.status.to_string());
    (result, person.touches(), late.key.locks)
}

#[test]
fn a_touch_is_announced_after_half_a_second_and_not_before() {
    for (milliseconds, notices) in [(50, 0), (450, 0), (550, 1), (15_100, 1)] {
        let (result, touches, _) = calculated(Duration::from_millis(milliseconds), "9000");
        assert_eq!((result.unwrap().as_str(), touches), ("9000", notices), "{milliseconds} ms");
    }
}

#[test]
fn the_lock_is_held_until_the_notice_only() {
    let (_, _, locks) = calculated(Duration::from_secs(5), "9000");
    let held = locks.iter().filter(|lock| **lock).count();
    assert!(held > 0 && locks[..held].iter().all(|lock| *lock) && locks.len() > held, "{locks:?}");
    assert!(held <= 12, "{held} waits of 50 ms");
}

#[test]
fn an_untouched_key_says_so_itself() {
    assert_eq!(calculated(Duration::from_millis(15_100), "6982").0.unwrap(), "6982");
}

#[test]
fn a_key_that_says_nothing_is_given_up_after_17_seconds() {
    let (result, touches, locks) = calculated(Duration::from_secs(60), "9000");
    assert_eq!((result, touches), (Err(Error::Silence), 1));
    assert!((340..=345).contains(&locks.len()), "{} waits of 50 ms", locks.len());
}

#[test]
fn a_keep_alive_announces_at_once_and_only_with_status_2() {
    for (status, notices) in [(2, 1), (1, 0)] {
        let mut key = Fake::new(move |_, _| {
            [message(CHANNEL, command::KEEPALIVE, &[status]), secrets("9000")].concat()
        });
        let person = Person::default();
        key.exchange(&calculate(), &person).unwrap();
        assert_eq!(person.touches(), notices);
    }
}

#[test]
fn a_list_is_not_taken_for_a_touch() {
    let person = Person::default();
    let mut key = Fake::new(|_, _| Vec::new());
    assert_eq!(key.exchange(&list(), &person), Err(Error::Silence));
    assert_eq!((person.touches(), key.clock.monotonic().as_secs()), (0, 3));
}

#[test]
fn a_cancellation_ends_the_wait_of_the_key() {
    let person = Person::default();
    person.leaves.store(true, Ordering::Relaxed);
    let mut key = Fake::new(|_, kind| if kind == command::CANCEL { secrets("6500") } else { Vec::new() });
    assert_eq!(key.exchange(&calculate(), &person), Err(Error::Cancelled));
    assert_eq!(key.commands(), [command::SECRETS, command::CANCEL]);
    assert!(key.clock.monotonic() < Duration::from_millis(100));
    let frame = &key.sent[1];
    assert_eq!(frame[..7], bytes("01020304 91 0000"));

    // A keep-alive confirms nothing.
    let mut silent = Fake::new(|_, kind| {
        if kind == command::CANCEL { message(CHANNEL, command::KEEPALIVE, &[2]) } else { Vec::new() }
    });
    assert_eq!(silent.exchange(&calculate(), &person), Err(Error::Cancelled));
    assert!(silent.clock.monotonic() >= Duration::from_millis(1_000));
    assert!(silent.clock.monotonic() <= Duration::from_millis(1_100));
}
