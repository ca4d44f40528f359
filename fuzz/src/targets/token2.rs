//! The reader of the responses of Token2 keys (`src/protocol/token2/`).

use std::time::Duration;

use oathbridge::clock::Clock;
use oathbridge::oath::{Credential, Error, Kind, MovingFactor, OathSession};
use oathbridge::otp::Step;
use oathbridge::protocol::token2::{Card, Carrier, Insertion, Key, Session};

use super::super::caller::Caller;
use super::super::input::Input;
use super::token2_key::{MAX_SILENCE, ScriptedKey};

/// The longest exchange: the wait for the lock, for quiet and for a touch.
const LIMIT: Duration = Duration::from_secs(33);

/// The most exchanges of a list: the state of the PIN, the serial number, and the pages.
const LIST: u32 = 70;

/// Whether the key could be read, and had a code for each of its entries. The first byte tells how it is attached.
pub fn run(bytes: &[u8]) -> bool {
    let caller = Caller::default();
    let mut input = Input::new(bytes);
    let is_card = input.byte() & 1 == 1;
    let mut key = ScriptedKey::new(&caller, input);
    let insertion = Insertion::default();
    let listed = in_session(&mut key, is_card, &insertion, |session| session.list());
    assert!(!caller.is_locked(), "the lock is still held");
    let Ok(listed) = listed else { return false };
    assert!(listed.len() <= 512, "more credentials than a key can hold");
    listed.iter().all(|credential| calculate(&mut key, is_card, &insertion, credential).is_ok())
}

/// A code in a session of its own.
fn calculate(
    key: &mut ScriptedKey<'_>,
    is_card: bool,
    insertion: &Insertion,
    credential: &Credential,
) -> Result<(), Error> {
    key.seen = Default::default();
    let factor = match credential.kind {
        Kind::Hotp => MovingFactor::Counter,
        _ => MovingFactor::Step(Step::at(key.caller.clock.unix_time(), credential.name.period)),
    };
    let caller = key.caller;
    let code = in_session(key, is_card, insertion, |session| session.calculate(credential, factor, caller));
    assert!(!caller.is_locked(), "the lock is still held");
    assert!(key.seen.codes <= 2, "an entry was requested {} times", key.seen.codes);
    assert!(is_card || key.seen.codes <= 1, "a counter may have advanced twice");
    let code = code?;
    assert_eq!(code.expose().len(), usize::from(credential.digits.get()), "the code has other digits");
    let sent = &key.seen.data;
    let digits = code.expose().as_bytes();
    let is_sent = is_card || sent.len() > 61 || sent.windows(digits.len()).any(|window| window == digits);
    assert!(is_sent, "the code is not what the key has sent");
    Ok(())
}

fn in_session<T>(
    key: &mut ScriptedKey<'_>,
    is_card: bool,
    insertion: &Insertion,
    work: impl FnOnce(&mut Session<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let caller = key.caller;
    let begun = caller.clock.monotonic();
    let result = begin(key, is_card, insertion).and_then(|mut session| work(&mut session));
    let taken = caller.clock.monotonic() - begun;
    assert!(taken <= (LIMIT + MAX_SILENCE) * LIST, "a session took {taken:?}");
    result
}

fn begin<'k>(
    key: &'k mut ScriptedKey<'_>,
    is_card: bool,
    insertion: &'k Insertion,
) -> Result<Session<'k>, Error> {
    let clock = &key.caller.clock;
    let carrier: Box<dyn Carrier + 'k> = match is_card {
        true => Box::new(Card::select(key)?),
        false => Box::new(Key::new(key, clock, insertion)),
    };
    Session::begin(carrier, clock, insertion)
}
