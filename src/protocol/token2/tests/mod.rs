//! The key's reports and the card's responses as a script, without a virtual key.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that panics has failed"
)]

mod cards;
mod entries;
mod faults;
mod frames;
mod hostile;
mod sessions;
mod touch;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use data_encoding::HEXUPPER;

use super::frame::{REPORT, reports};
use super::{Carrier, Insertion, Key, Session, Wait};
use crate::clock::{Clock, ManualClock};
use crate::device::{self, HidKind, Progress, Reports};
use crate::iso7816::{Command, Response};
use crate::oath::Error;

/// The moment of the tests: the first one of RFC 6238, appendix B.
const NOW: Duration = Duration::from_secs(59);

/// The state of the PIN, in hexadecimal: none is set, or one with five attempts left.
const NO_PIN: &str = "0000000A 0000000000 9000";
const PIN: &str = "0705060A 0000000000 9000";

/// The serial number 861041234567, and its response.
const SERIAL: &str = "861041234567";
const SERIAL_RESPONSE: &str = "D10C 383631303431323334353637 9000";

/// AWS, alice: TOTP, SHA-1, 30 s, 8 digits, no touch, with the code 94287082.
const ALICE: &str = "01C1001E0800 03415753 05616C696365 083934323837303832";
/// bob: TOTP, SHA-256, 60 s, 6 digits, with a touch.
const BOB: &str = "01C2003C0601 00 03626F62";
/// carol: HOTP, SHA-1, 6 digits.
const CAROL: &str = "00C1001E0600 00 056361726F6C";

fn bytes(hex: &str) -> Vec<u8> {
    HEXUPPER.decode(hex.replace(' ', "").as_bytes()).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    HEXUPPER.encode(bytes)
}

/// A response with its status.
fn card_response(bytes: &[u8]) -> Response {
    Response::from_bytes(bytes).unwrap()
}

/// The reports of a response in hexadecimal.
fn response(hex: &str) -> Vec<Vec<u8>> {
    reports(&bytes(hex)).into_iter().map(|report| report.to_vec()).collect()
}

/// The report of a busy key.
fn busy() -> Vec<u8> {
    let mut report = vec![0x21, 0xc0];
    report.resize(REPORT, 0);
    report
}

/// A key that answers each command by a function of the number of the command, from 0.
struct Fake<A> {
    clock: Arc<ManualClock>,
    insertion: Insertion,
    answer: A,
    commands: usize,
    sent: Vec<Vec<u8>>,
    queue: VecDeque<Vec<u8>>,
    is_locked: bool,
    /// The time before each report.
    pause: Duration,
    /// Whether the lock was held at each wait for a report.
    locks: Vec<bool>,
}

impl<A: FnMut(usize) -> Vec<Vec<u8>> + Send> Fake<A> {
    fn new(answer: A) -> Self {
        let clock = Arc::new(ManualClock::at(NOW));
        let (sent, queue, locks) = (Vec::new(), VecDeque::new(), Vec::new());
        Self {
            clock,
            insertion: Insertion::default(),
            answer,
            commands: 0,
            sent,
            queue,
            is_locked: false,
            pause: Duration::ZERO,
            locks,
        }
    }

    fn send(&mut self, command: &Command, wait: Wait, person: &Person) -> Result<String, super::Error> {
        let (clock, insertion) = (Arc::clone(&self.clock), self.insertion.clone());
        let response = Key::new(self, &*clock, &insertion).send(command, wait, person)?;
        Ok(format!("{} {}", hex(&response.data), response.status))
    }

    fn in_session<T>(&mut self, work: impl FnOnce(&mut Session<'_>) -> Result<T, Error>) -> Result<T, Error> {
        let (clock, insertion) = (Arc::clone(&self.clock), self.insertion.clone());
        let key = Key::new(self, &*clock, &insertion);
        work(&mut Session::begin(Box::new(key), &*clock, &insertion)?)
    }
}

impl<A: FnMut(usize) -> Vec<Vec<u8>> + Send> Reports for Fake<A> {
    fn kind(&self) -> HidKind {
        HidKind::Fido
    }

    fn send(&mut self, report: &[u8]) -> Result<(), device::Error> {
        assert_eq!(report.len(), REPORT);
        self.sent.push(report.to_vec());
        if report[1] & 0x20 == 0 {
            self.commands += 1;
            let answer = (self.answer)(self.commands - 1);
            self.queue.extend(answer);
        }
        Ok(())
    }

    fn receive(&mut self, report: &mut [u8], timeout: Duration) -> Result<usize, device::Error> {
        let Some(next) = self.queue.pop_front() else {
            self.locks.push(self.is_locked);
            self.clock.advance(timeout);
            return Ok(0);
        };
        self.clock.advance(self.pause);
        let length = next.len().min(report.len());
        report[..length].copy_from_slice(&next[..length]);
        Ok(next.len())
    }

    fn lock(&mut self, _timeout: Duration) -> Result<(), device::Error> {
        self.is_locked = true;
        Ok(())
    }

    fn unlock(&mut self) {
        self.is_locked = false;
    }
}

/// A way to the application that answers each command by a script, in hexadecimal.
struct Script<'s> {
    responses: VecDeque<&'s str>,
    sent: &'s mut Vec<String>,
}

impl Script<'_> {
    fn next(&mut self) -> Response {
        card_response(&bytes(self.responses.pop_front().unwrap()))
    }
}

impl Carrier for Script<'_> {
    fn exchange(&mut self, command: &Command, _: Wait, _: &dyn Progress) -> Result<Response, Error> {
        self.sent.push(hex(&command.to_bytes()));
        Ok(self.next())
    }
}

/// Runs `work` in a session of a key that answers with these responses. Also returns the commands, in hexadecimal.
fn scripted<T>(
    responses: &[&str],
    work: impl FnOnce(&mut Session<'_>) -> Result<T, Error>,
) -> (Result<T, Error>, Vec<String>) {
    let (clock, insertion, mut sent) = (ManualClock::at(NOW), Insertion::default(), Vec::new());
    let script = Script { responses: responses.iter().copied().collect(), sent: &mut sent };
    let session = Session::begin(Box::new(script), &clock, &insertion);
    let result = session.and_then(|mut session| work(&mut session));
    (result, sent)
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

fn serial() -> Command {
    super::command::serial().unwrap()
}
