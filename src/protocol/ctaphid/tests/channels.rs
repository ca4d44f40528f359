//! The allocation of a channel.

use super::super::{Error, channel};
use super::*;

/// A key that answers each INIT by a function of its number.
struct Allocator<A>(Arc<ManualClock>, A, usize, VecDeque<Vec<u8>>);

impl<A: FnMut(usize) -> Vec<Vec<u8>> + Send> Reports for Allocator<A> {
    fn send(&mut self, report: &[u8]) -> Result<(), crate::device::Error> {
        assert_eq!(report[..15], [&[0xff, 0xff, 0xff, 0xff, 0x86, 0, 8][..], &NONCE].concat());
        self.2 += 1;
        self.3.extend((self.1)(self.2));
        Ok(())
    }

    fn receive(&mut self, report: &mut [u8], timeout: Duration) -> Result<usize, crate::device::Error> {
        let Some(next) = self.3.pop_front() else {
            self.0.advance(timeout);
            return Ok(0);
        };
        report[..next.len()].copy_from_slice(&next);
        Ok(next.len())
    }
}

/// The result, the number of messages, and the time that it took.
fn allocated(answer: impl FnMut(usize) -> Vec<Vec<u8>> + Send) -> (Result<[u8; 4], Error>, usize, Duration) {
    let clock = Arc::new(ManualClock::at(Duration::ZERO));
    let mut key = Allocator(Arc::clone(&clock), answer, 0, VecDeque::new());
    let result = channel::allocate(&mut key, &*clock, NONCE);
    (result, key.2, clock.monotonic())
}

fn ours(id: [u8; 4]) -> Vec<Vec<u8>> {
    message([0xff; 4], command::INIT, &[&NONCE[..], &id, &[2, 1, 9, 0, 5]].concat())
}

#[test]
fn the_response_to_our_nonce_has_the_channel() {
    let answer = |_| [stranger(), secrets("9000"), ours(CHANNEL), ours(OTHER)].concat();
    assert_eq!(allocated(answer), (Ok(CHANNEL), 1, Duration::ZERO));
}

#[test]
fn a_lost_message_is_sent_again() {
    let (result, messages, _) = allocated(|number| if number < 3 { stranger() } else { ours(CHANNEL) });
    assert_eq!((result, messages), (Ok(CHANNEL), 3));
}

#[test]
fn a_busy_key_is_asked_again() {
    let busy = |code| message([0xff; 4], command::ERROR, &[code]);
    let (result, messages, _) =
        allocated(|number| if number < 3 { busy([0, 6][number - 1]) } else { ours(CHANNEL) });
    assert_eq!((result, messages), (Ok(CHANNEL), 3));
    assert_eq!(allocated(|_| busy(0x0b)).0, Err(Error::Refused(0x0b)));
}

#[test]
fn impossible_channels_are_refused() {
    for id in [[0; 4], [0xff; 4]] {
        assert_eq!(allocated(|_| ours(id)).0, Err(Error::NoChannel));
    }
    let short = message([0xff; 4], command::INIT, &[&NONCE[..], &CHANNEL].concat());
    assert_eq!(allocated(|_| short.clone()).0, Err(Error::NoChannel));
    assert_eq!(allocated(|_| vec![vec![1; 8]]).0, Err(Error::ReportLength(8)));
}

#[test]
fn a_key_without_a_response_is_given_up_after_a_second() {
    for (answer, error) in [(Vec::new(), Error::Silence), (stranger(), Error::OtherChannels)] {
        let (result, _, time) = allocated(|_| answer.clone());
        assert_eq!(result, Err(error));
        assert!(time <= Duration::from_millis(1_300), "{time:?}");
    }
}

/// An allocation ends the requests of other programs.
#[test]
fn one_channel_serves_all_requests_until_the_key_forgets_it() {
    let mut key = Fake::new(|number, _| if number == 1 { error(0x0b) } else { secrets("9000") });
    let (own, clock) = (key.connect().unwrap(), Arc::clone(&key.clock));
    for (allocations, messages) in [(1, 1), (2, 3), (2, 4)] {
        let mut session = Key::connect(&mut key, &*clock, &own).unwrap();
        session.exchange(&list(), &Person::default()).unwrap();
        assert_eq!((key.allocations, key.messages), (allocations, messages));
    }
}

/// The number of channels for a request with this answer and the next one.
fn channels_after(mut answer: impl FnMut(u8) -> Vec<Vec<u8>> + Send, repeated: usize, leaves: bool) -> usize {
    let mut key =
        Fake::new(
            |number, kind| {
                if number < repeated || kind == command::CANCEL { answer(kind) } else { secrets("9000") }
            },
        );
    let (own, clock) = (key.connect().unwrap(), Arc::clone(&key.clock));
    let person = Person::default();
    person.leaves.store(leaves, Ordering::Relaxed);
    let _ = Key::connect(&mut key, &*clock, &own).unwrap().exchange(&list(), &person);
    let mut session = Key::connect(&mut key, &*clock, &own).unwrap();
    session.exchange(&list(), &Person::default()).unwrap();
    key.allocations
}

/// It would be taken for the response to the next request.
#[test]
fn a_channel_with_a_late_response_is_not_used_again() {
    assert_eq!(channels_after(|_| Vec::new(), 1, false), 2, "no response");
    assert_eq!(channels_after(|_| stranger(), 1, false), 2, "a repeated request");
    assert_eq!(channels_after(|_| Vec::new(), 1, true), 2, "an unconfirmed cancellation");
    let confirmed = |kind| if kind == command::CANCEL { secrets("6500") } else { Vec::new() };
    assert_eq!(channels_after(confirmed, 1, true), 1, "a confirmed cancellation");
    assert_eq!(channels_after(|_| error(0x05), 1, false), 1, "a refusal");
    assert_eq!(channels_after(|_| secrets("9000"), 1, false), 1, "a response");
}
