//! Sessions against scripted cards.

mod chaining;
mod deviants;
mod exchanges;
mod hostile;
mod increasing;
mod manage;
mod pin;
mod whole_list;

use std::collections::VecDeque;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use data_encoding::HEXUPPER;

use super::{CredentialId, Session};
use crate::clock::ManualClock;
use crate::device::{Error, Progress, Transaction};
use crate::iso7816::{Command, Response};
use crate::oath::{Credential, Kind, Touch};
use crate::otp::{Algorithm, Digits};

const SELECT: &str = "00 A4 04 00 07 A0 00 00 05 27 21 01";
const UNLOCKED: &str = "79 03 05 04 03 71 08 01 02 03 04 05 06 07 08 90 00";
const LOCKED: &str =
    "79 03 05 04 03 71 08 01 02 03 04 05 06 07 08 74 08 11 22 33 44 55 66 77 88 7B 01 01 90 00";
const LIST: &str = "00 A1 00 00";
const CALCULATE_ALL: &str = "00 A4 00 01 0A 74 08 00 00 00 00 00 00 00 00";

/// The time of the sessions: the step of 30 s is 03 93 87 00, and that of 60 s is 01 C9 C3 80.
static CLOCK: LazyLock<ManualClock> = LazyLock::new(|| ManualClock::at(Duration::from_secs(1_800_000_015)));

fn select(transaction: &mut dyn Transaction) -> Result<Session<'_>, crate::oath::Error> {
    Session::select(transaction, &*CLOCK)
}

/// A card that expects given commands in a given order.
struct Script(VecDeque<(Vec<u8>, Vec<u8>)>);

impl Script {
    /// Pairs of command and response in hexadecimal. The commands are without Le, as in the specification and in most
    /// programs; our commands always end with Le 00.
    fn new(steps: &[(&str, &str)]) -> Self {
        Self(
            steps
                .iter()
                .map(|(command, answer)| ([bytes(command), vec![0]].concat(), bytes(answer)))
                .collect(),
        )
    }

    fn assert_finished(&self) {
        assert_eq!(self.0.len(), 0, "expected commands were not sent");
    }
}

impl Transaction for Script {
    fn transmit(&mut self, command: &Command, _: &dyn Progress) -> Result<Response, Error> {
        let sent = command.to_bytes();
        let (expected, answer) = self.0.pop_front().unwrap_or_else(|| panic!("{sent:02X?} was not expected"));
        assert_eq!(hex(&sent), hex(&expected));
        Response::from_bytes(&answer).map_err(|_| Error::Removed)
    }
}

/// Counts the reports that a touch is required.
#[derive(Default)]
struct Touches(AtomicUsize);

impl Touches {
    fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Progress for Touches {
    fn touch_needed(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn is_cancelled(&self) -> bool {
        false
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    HEXUPPER.decode(hex.replace(' ', "").as_bytes()).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    HEXUPPER.encode(bytes)
}

/// A credential as described by CALCULATE ALL and LIST.
fn credential(id: &str, kind: Kind, touch: Touch) -> Credential {
    let name = CredentialId::new(id.as_bytes()).unwrap().parse(kind == Kind::Hotp);
    let (algorithm, digits) = (Algorithm::Sha1, Digits::SIX);
    Credential { name, kind, algorithm, digits, digits_known: true, touch, is_pin_protected: false }
}
