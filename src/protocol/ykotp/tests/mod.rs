//! The key's answers as a script, without a virtual key.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that panics has failed"
)]

mod faults;
mod frames;
mod hostile;
mod locks;
mod lost_waits;
mod sessions;
mod touch;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use super::frame::RESET;
use crate::clock::ManualClock;
use crate::device::{Error, Progress, Reports};

/// The duration of one report, by the manual clock.
const REPORT_TIME: Duration = Duration::from_millis(5);

/// A key that answers by a function of the number of reports that it received, and of the reads since the last one.
struct Fake<A> {
    clock: Arc<ManualClock>,
    answer: A,
    sent: Vec<[u8; 8]>,
    reads: usize,
    looks: usize,
    is_locked: bool,
    /// How often the lock was taken.
    locks: Arc<AtomicUsize>,
}

impl<A: FnMut(&[[u8; 8]], usize) -> Vec<u8> + Send> Fake<A> {
    fn new(answer: A) -> Self {
        let clock = Arc::new(ManualClock::at(Duration::ZERO));
        let locks = Arc::default();
        Self { clock, answer, sent: Vec::new(), reads: 0, looks: 0, is_locked: false, locks }
    }

    fn resets(&self) -> usize {
        self.sent.iter().filter(|report| **report == RESET).count()
    }
}

impl<A: FnMut(&[[u8; 8]], usize) -> Vec<u8> + Send> Reports for Fake<A> {
    fn send(&mut self, report: &[u8]) -> Result<(), Error> {
        assert!(self.is_locked, "a report without the lock");
        self.clock.advance(REPORT_TIME);
        self.sent.push(report.try_into().map_err(|_| Error::Failed("a wrong length".to_owned()))?);
        self.reads = 0;
        Ok(())
    }

    fn receive(&mut self, report: &mut [u8], _timeout: Duration) -> Result<usize, Error> {
        self.clock.advance(REPORT_TIME);
        self.reads += 1;
        self.looks += 1;
        let answer = (self.answer)(&self.sent, self.reads);
        let length = answer.len().min(report.len());
        report[..length].copy_from_slice(&answer[..length]);
        Ok(answer.len())
    }

    fn lock(&mut self, _timeout: Duration) -> Result<(), Error> {
        assert!(!self.is_locked, "an exchange within another one");
        self.is_locked = true;
        self.locks.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn unlock(&mut self) {
        self.is_locked = false;
    }
}

/// The status of a YubiKey 5.4.3 with both slots set up.
fn idle() -> Vec<u8> {
    vec![0, 5, 4, 3, 1, 3, 0, 0]
}

fn flags(flags: u8) -> Vec<u8> {
    vec![0, 0, 0, 0, 0, 0, 0, flags]
}

fn hex(text: &str) -> [u8; 8] {
    let bytes = data_encoding::HEXUPPER.decode(text.replace(' ', "").as_bytes()).unwrap();
    bytes.try_into().unwrap()
}

/// A response in pieces, and its end.
fn pieces(texts: &[&str], place: usize) -> Vec<u8> {
    texts.get(place).map_or_else(|| flags(0x40), |text| hex(text).to_vec())
}

#[derive(Default)]
struct Person {
    touches: AtomicUsize,
    leaves: AtomicBool,
}

impl Progress for Person {
    fn touch_needed(&self) {
        self.touches.fetch_add(1, Ordering::Relaxed);
    }

    fn is_cancelled(&self) -> bool {
        self.leaves.load(Ordering::Relaxed)
    }
}
