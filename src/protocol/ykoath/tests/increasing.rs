//! Credentials that accept only increasing challenges (property 78 01), as on CanoKeys and JavaCards.

use super::{CALCULATE_ALL, LIST, LOCKED, SELECT, Script, UNLOCKED, select};
use crate::oath::{Credential, Error, Touch};

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
    let steps =
        [(SELECT, UNLOCKED), (CALCULATE_ALL, "6982"), (LIST, ALICE), (ALL_NOW, TOUCH_OF_ALICE)];
    assert_eq!(touches(&steps), Ok(vec![Touch::Yes]));
}

/// After the step of 30 s, `60/bob` would refuse its own steps for decades.
#[test]
fn no_credential_gets_a_step_after_its_current_one() {
    for (answer, expected) in [(TOUCH_OF_ALICE, Touch::Yes), ("6982", Touch::Unknown)] {
        let steps = [
            (SELECT, UNLOCKED),
            (CALCULATE_ALL, "6982"),
            (LIST, ALICE_AND_BOB),
            (ALL_OF_A_MINUTE, answer),
        ];
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
