//! A token whose answers are a function, without a virtual token.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that panics has failed"
)]

mod faults;
mod frames;
mod hostile;
mod pin;
mod steps;

use std::sync::Arc;
use std::time::Duration;

use super::crc::checksum;
use super::report::REPORT;
use crate::clock::ManualClock;
use crate::device::{Error, HidKind, Reports};

/// The duration of one report, by the manual clock.
const REPORT_TIME: Duration = Duration::from_millis(5);

/// A token that answers by a function of the reports that it received, and of the reads since the last one.
struct Fake<A> {
    clock: Arc<ManualClock>,
    answer: A,
    sent: Vec<[u8; REPORT]>,
    reads: usize,
    is_locked: bool,
    /// The result of each read after the first request.
    failure: Option<Error>,
}

impl<A: FnMut(&[[u8; REPORT]], usize) -> Vec<u8> + Send> Fake<A> {
    fn new(answer: A) -> Self {
        let clock = Arc::new(ManualClock::at(Duration::from_secs(1_111_111_109)));
        Self { clock, answer, sent: Vec::new(), reads: 0, is_locked: false, failure: None }
    }
}

impl<A: FnMut(&[[u8; REPORT]], usize) -> Vec<u8> + Send> Reports for Fake<A> {
    fn kind(&self) -> HidKind {
        HidKind::NitrokeyPro
    }

    fn send(&mut self, report: &[u8]) -> Result<(), Error> {
        assert!(self.is_locked, "a report without the lock");
        self.clock.advance(REPORT_TIME);
        self.sent.push(report.try_into().map_err(|_| Error::Failed("a wrong length".to_owned()))?);
        self.reads = 0;
        Ok(())
    }

    fn receive(&mut self, report: &mut [u8], _timeout: Duration) -> Result<usize, Error> {
        // The pauses between two looks as well.
        self.clock.advance(4 * REPORT_TIME);
        self.reads += 1;
        if let Some(failure) = self.failure.clone().filter(|_| !self.sent.is_empty()) {
            return Err(failure);
        }
        let answer = (self.answer)(&self.sent, self.reads);
        let length = answer.len().min(report.len());
        report[..length].copy_from_slice(&answer[..length]);
        Ok(answer.len())
    }

    fn lock(&mut self, _timeout: Duration) -> Result<(), Error> {
        assert!(!self.is_locked, "the lock was taken twice");
        self.is_locked = true;
        Ok(())
    }

    fn unlock(&mut self) {
        self.is_locked = false;
    }
}

/// A report with its checksum.
fn sealed(mut report: Vec<u8>) -> Vec<u8> {
    report.resize(REPORT - 4, 0);
    let sum = checksum(&report);
    report.extend(sum.to_le_bytes());
    report
}

/// The response to a request, with this result and these data.
fn response(request: &[u8; REPORT], result: u8, data: &[u8]) -> Vec<u8> {
    let mut report = vec![0, request[0]];
    report.extend(&request[REPORT - 4..]);
    report.push(result);
    report.extend(data);
    sealed(report)
}

/// What a token shows that is busy.
fn busy() -> Vec<u8> {
    let mut report = sealed(Vec::new());
    report[0] = 1;
    report
}

/// What a token shows after it was plugged in.
fn zeros() -> Vec<u8> {
    vec![0; REPORT]
}
