//! Credentials that accept only increasing challenges (property 78 01), as on CanoKeys and JavaCards.

use std::sync::Mutex;
use std::time::Duration;

use super::super::Session;
use super::{CALCULATE_ALL, LIST, LOCKED, SELECT, Script, UNLOCKED, bytes, credential, select};
use crate::clock::ManualClock;
use crate::device::{self, Progress, Transaction};
use crate::iso7816::{Command, Response};
use crate::oath::{Credential, Error, Kind, MovingFactor, Touch};
use crate::otp::Step;

/// CALCULATE ALL for the current step of 30 s, and for that of 60 s.
const ALL_NOW: &str = "00 A4 00 01 0A 74 08 0000000003938700";
const ALL_OF_A_MINUTE: &str = "00 A4 00 01 0A 74 08 0000000001C9C380";

/// `alice`, and `60/bob`.
const ALICE: &str = "72 06 21 616C696365 90 00";
const ALICE_AND_BOB: &str = "72 06 21 616C696365 72 07 22 36302F626F62 90 00";
const TOUCH_OF_ALICE: &str = "71 05 616C696365 7C 01 08 90 00";

fn touches(steps: &[(&str, &str)]) -> Result<Vec<Touch>, Error> {
    let mut script = Script::new(steps);
    let credentials: Result<Vec<Credential>, _> = select(&mut script)?.credentials();
    script.assert_finished();
    Ok(credentials?.iter().map(|credential| credential.touch).collect())
}

#[test]
fn a_token_that_refuses_step_0_is_asked_for_the_current_step() {
    let steps = [(SELECT, UNLOCKED), (CALCULATE_ALL, "6982"), (LIST, ALICE), (ALL_NOW, TOUCH_OF_ALICE)];
    assert_eq!(touches(&steps), Ok(vec![Touch::Yes]));
}

/// After the step of 30 s, `60/bob` would refuse its own steps for decades.
#[test]
fn no_credential_gets_a_step_after_its_current_one() {
    for (answer, expected) in [(TOUCH_OF_ALICE, Touch::Yes), ("6982", Touch::Unknown)] {
        let steps =
            [(SELECT, UNLOCKED), (CALCULATE_ALL, "6982"), (LIST, ALICE_AND_BOB), (ALL_OF_A_MINUTE, answer)];
        assert_eq!(touches(&steps), Ok(vec![expected, Touch::Unknown]));
    }
}

/// A clock that is ahead must not move the mark of a credential that was never used.
#[test]
fn a_token_that_accepts_step_0_gets_no_other_one() {
    let steps = [(SELECT, UNLOCKED), (CALCULATE_ALL, TOUCH_OF_ALICE), (LIST, ALICE)];
    assert_eq!(touches(&steps), Ok(vec![Touch::Yes]));
}

#[test]
fn a_locked_token_is_not_asked_again() {
    assert_eq!(touches(&[(SELECT, LOCKED), (CALCULATE_ALL, "6982")]), Err(Error::Locked));
}

/// A token that refuses each calculation with 6982 after a time.
struct Refusing<'c> {
    clock: &'c ManualClock,
    selected: &'static str,
    after: Duration,
}

impl Transaction for Refusing<'_> {
    fn transmit(&mut self, command: &Command, _: &dyn Progress) -> Result<Response, device::Error> {
        let is_calculation = command.instruction() == 0xa2;
        if is_calculation {
            self.clock.advance(self.after);
        }
        let answer = if is_calculation { "6982" } else { self.selected };
        Response::from_bytes(&bytes(answer)).map_err(|_| device::Error::Removed)
    }
}

/// Notes when a touch is possible.
#[derive(Default)]
struct Possible(Mutex<Vec<bool>>);

impl Progress for Possible {
    fn touch_needed(&self) {}

    fn touch_possible(&self, is_possible: bool) {
        self.0.lock().unwrap().push(is_possible);
    }

    fn is_cancelled(&self) -> bool {
        false
    }
}

/// A touch is missed after 15 s, and an earlier step is refused at once.
#[test]
fn status_6982_means_a_missed_touch_or_an_earlier_step() {
    const NITROKEY: &str = "79 03 04 10 00 71 08 0102030405060708 8F 04 01 02 03 04 90 00";
    use Error::{Locked, TouchTimedOut, UsedAhead};
    for (selected, kind, touch, seconds, expected) in [
        (UNLOCKED, Kind::Totp, Touch::No, 0, UsedAhead),
        (UNLOCKED, Kind::Totp, Touch::Yes, 0, UsedAhead),
        (UNLOCKED, Kind::Steam, Touch::Unknown, 4, UsedAhead),
        (UNLOCKED, Kind::Totp, Touch::Yes, 5, TouchTimedOut),
        (UNLOCKED, Kind::Totp, Touch::Unknown, 15, TouchTimedOut),
        (UNLOCKED, Kind::Totp, Touch::No, 15, TouchTimedOut),
        (UNLOCKED, Kind::Hotp, Touch::Unknown, 0, TouchTimedOut),
        // A Nitrokey 3 has no such credentials.
        (NITROKEY, Kind::Totp, Touch::Yes, 0, TouchTimedOut),
        (NITROKEY, Kind::Totp, Touch::No, 0, Locked),
    ] {
        let clock = ManualClock::at(Duration::ZERO);
        let mut card = Refusing { clock: &clock, selected, after: Duration::from_secs(seconds) };
        let mut session = Session::select(&mut card, &clock).unwrap();
        let factor = if kind == Kind::Hotp { MovingFactor::Counter } else { MovingFactor::Step(Step(1)) };
        let possible = Possible::default();
        let result = session.calculate(&credential("alice", kind, touch), factor, &possible);
        assert_eq!(result, Err(expected), "{kind:?} {touch:?} {seconds}");
        assert_eq!(*possible.0.lock().unwrap(), [touch == Touch::Unknown, false], "{touch:?}");
    }
}
