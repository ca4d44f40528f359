//! The key's reports as a script, without a virtual key.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that panics has failed"
)]

mod channels;
mod deadlines;
mod examples;
mod faults;
mod interference;
mod touch;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use data_encoding::HEXUPPER;

use super::frame::{REPORT, command, reports};
use super::{Key, OwnChannel};
use crate::clock::{Clock, ManualClock};
use crate::device::{Error, HidKind, Progress, Reports};
use crate::iso7816::Command;

const NONCE: [u8; 8] = *b"ournonce";
const CHANNEL: [u8; 4] = [1, 2, 3, 4];
const OTHER: [u8; 4] = [9, 9, 9, 9];

/// A key that answers each message by a function of the number of the message. It gives the channel [`CHANNEL`].
struct Fake<A> {
    clock: Arc<ManualClock>,
    answer: A,
    /// The reports of all messages after INIT.
    sent: Vec<Vec<u8>>,
    /// The number of messages after INIT.
    messages: usize,
    /// The number of allocated channels.
    allocations: usize,
    queue: VecDeque<Vec<u8>>,
    is_locked: bool,
    /// Whether the lock was held at each wait for a report.
    locks: Vec<bool>,
    /// Whether the lock was held at each report that was sent after INIT.
    locked_sends: Vec<bool>,
}

impl<A: FnMut(usize, u8) -> Vec<Vec<u8>> + Send> Fake<A> {
    /// `answer` gets the number of the message, from 0, and its command.
    fn new(answer: A) -> Self {
        let clock = Arc::new(ManualClock::at(Duration::ZERO));
        let (sent, queue, locks) = (Vec::new(), VecDeque::new(), Vec::new());
        Self {
            clock,
            answer,
            sent,
            messages: 0,
            allocations: 0,
            queue,
            is_locked: false,
            locks,
            locked_sends: Vec::new(),
        }
    }

    fn exchange(&mut self, command: &Command, person: &Person) -> Result<String, super::Error> {
        let clock = Arc::clone(&self.clock);
        let own = self.connect()?;
        let response = Key::connect(self, &*clock, &own)?.exchange(command, person)?;
        Ok(format!("{} {}", HEXUPPER.encode(&response.data), response.status))
    }

    /// A channel that was allocated with [`NONCE`].
    fn connect(&mut self) -> Result<OwnChannel, super::Error> {
        let (own, clock) = (OwnChannel::default(), Arc::clone(&self.clock));
        own.allocate(self, &*clock, NONCE)?;
        Ok(own)
    }

    /// The commands of the messages after INIT.
    fn commands(&self) -> Vec<u8> {
        self.sent.iter().map(|report| report[4] & 0x7f).collect()
    }
}

impl<A: FnMut(usize, u8) -> Vec<Vec<u8>> + Send> Reports for Fake<A> {
    fn kind(&self) -> HidKind {
        HidKind::Fido
    }

    fn send(&mut self, report: &[u8]) -> Result<(), Error> {
        assert_eq!(report.len(), REPORT);
        let kind = report[4] & 0x7f;
        if report[..4] == [0xff; 4] {
            self.allocations += 1;
            let bytes = [&report[7..15], &CHANNEL, &[2, 1, 9, 0, 5]].concat();
            self.queue.extend(message([0xff; 4], command::INIT, &bytes));
        } else {
            assert_eq!(report[..4], CHANNEL);
            self.sent.push(report.to_vec());
            self.locked_sends.push(self.is_locked);
            self.messages += 1;
            let answer = (self.answer)(self.messages - 1, kind);
            self.queue.extend(answer);
        }
        Ok(())
    }

    fn receive(&mut self, report: &mut [u8], timeout: Duration) -> Result<usize, Error> {
        let Some(next) = self.queue.pop_front() else {
            self.locks.push(self.is_locked);
            self.clock.advance(timeout);
            return Ok(0);
        };
        let length = next.len().min(report.len());
        report[..length].copy_from_slice(&next[..length]);
        Ok(next.len())
    }

    fn lock(&mut self, _timeout: Duration) -> Result<(), Error> {
        self.is_locked = true;
        Ok(())
    }

    fn unlock(&mut self) {
        self.is_locked = false;
    }
}

fn message(channel: [u8; 4], command: u8, bytes: &[u8]) -> Vec<Vec<u8>> {
    reports(channel, command, bytes).into_iter().map(|report| report.to_vec()).collect()
}

/// A response on our channel, in hexadecimal.
fn secrets(hex: &str) -> Vec<Vec<u8>> {
    message(CHANNEL, command::SECRETS, &bytes(hex))
}

fn error(code: u8) -> Vec<Vec<u8>> {
    message(CHANNEL, command::ERROR, &[code])
}

/// The sign of another program.
fn stranger() -> Vec<Vec<u8>> {
    message([0xff; 4], command::INIT, &[&b"stranger"[..], &OTHER, &[2, 1, 9, 0, 5]].concat())
}

fn bytes(hex: &str) -> Vec<u8> {
    HEXUPPER.decode(hex.replace(' ', "").as_bytes()).unwrap()
}

fn list() -> Command {
    Command::bare(0xa1, 0, 0)
}

/// CALCULATE of "AWS:alice" for the step 1.
fn calculate() -> Command {
    Command::new(0xa2, 0, 1, bytes("71094157533A616C696365 74080000000000000001")).unwrap()
}

/// CALCULATE of "Ctr", which has a counter.
fn counter() -> Command {
    Command::new(0xa2, 0, 1, bytes("7103437472 7400")).unwrap()
}

#[derive(Default)]
struct Person {
    touches: AtomicUsize,
    leaves: AtomicBool,
}

impl Person {
    fn touches(&self) -> usize {
        self.touches.load(Ordering::Relaxed)
    }
}

impl Progress for Person {
    fn touch_needed(&self) {
        self.touches.fetch_add(1, Ordering::Relaxed);
    }

    fn is_cancelled(&self) -> bool {
        self.leaves.load(Ordering::Relaxed)
    }
}
