//! An exchange ends in time, whatever the key sends and however slowly.

use super::super::Error;
use super::*;
use crate::device::Error as DeviceError;

/// An exchange has 34 s, and this is the longest time between two looks at the clock.
const LIMIT: Duration = Duration::from_secs(36);

/// A key whose next report depends on the number of the reports before it. Each takes 0.9 s.
struct Slow<A> {
    clock: Arc<ManualClock>,
    answer: A,
    count: usize,
    nonce: Vec<u8>,
}

impl<A: FnMut(usize, &[u8]) -> Vec<u8> + Send> Reports for Slow<A> {
    fn send(&mut self, report: &[u8]) -> Result<(), DeviceError> {
        if report[..4] == [0xff; 4] {
            self.nonce = report[7..15].to_vec();
        }
        Ok(())
    }

    fn receive(&mut self, report: &mut [u8], timeout: Duration) -> Result<usize, DeviceError> {
        if timeout.is_zero() {
            return Ok(0);
        }
        self.clock.advance(Duration::from_millis(900));
        let next = (self.answer)(self.count, &self.nonce);
        self.count += 1;
        report[..next.len()].copy_from_slice(&next);
        Ok(next.len())
    }
}

/// The error of CALCULATE, and the time that it took.
fn failure(answer: impl FnMut(usize, &[u8]) -> Vec<u8> + Send) -> (Error, Duration) {
    let own = Fake::new(|_, _| Vec::new()).connect().unwrap();
    let clock = Arc::new(ManualClock::at(Duration::ZERO));
    let mut key = Slow { clock: Arc::clone(&clock), answer, count: 0, nonce: Vec::new() };
    let mut key = Key::connect(&mut key, &*clock, &own).unwrap();
    (key.exchange(&calculate(), &Person::default()).unwrap_err(), clock.monotonic())
}

#[test]
fn a_response_that_arrives_piece_by_piece_breaks_off() {
    let pieces = message(CHANNEL, command::SECRETS, &[0x90; 7_600]);
    let (error, time) = failure(|count, _| pieces[count].clone());
    assert_eq!(error, Error::BrokenOff);
    assert!(time <= LIMIT, "after {time:?}");
}

#[test]
fn a_response_that_begins_again_and_again_breaks_off() {
    let pieces = message(CHANNEL, command::SECRETS, &[0x90; 100]);
    let (error, time) = failure(|count, _| if count < 1_000 { pieces[0].clone() } else { Vec::new() });
    assert_eq!(error, Error::BrokenOff);
    assert!(time <= LIMIT, "after {time:?}");
}

/// The request is sent again after 16 s, and on a new channel after 32 s.
#[test]
fn a_new_channel_does_not_extend_the_exchange() {
    let (error, time) = failure(|count, nonce| match count {
        17 => stranger().remove(0),
        34 => error(0x0b).remove(0),
        35 => message([0xff; 4], command::INIT, &[nonce, &CHANNEL, &[2, 1, 9, 0, 5]].concat()).remove(0),
        _ => Vec::new(),
    });
    assert_eq!(error, Error::Silence);
    assert!(time <= LIMIT, "after {time:?}");
}
