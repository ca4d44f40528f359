//! The reader of the responses of Nitrokey Pro keys (`src/protocol/nitrokey_pro/`).

use std::time::Duration;

use oathbridge::clock::Clock;
use oathbridge::oath::{Credential, Error, KeySlot, MovingFactor, OathSession, UnlockKey};
use oathbridge::otp::Step;
use oathbridge::protocol::nitrokey_pro::{Key, Model, Session};
use oathbridge::secret::SecretBytes;

use super::super::caller::Caller;
use super::super::input::Input;
use super::nitrokey_pro_key::ScriptedKey;

/// The longest exchange: the wait for another program (1 s), the request that separates it from an old response (3 s),
/// and the request, which is sent again once (6 s).
const LIMIT: Duration = Duration::from_secs(10);

/// The longest look and the longest delay of the script, at the end of each part of an exchange.
const TOLERANCE: Duration = Duration::from_millis(21_000);

/// The most exchanges of a code: the slot, the PIN and the attempts left, its password, the time, and the code.
const EXCHANGES: u32 = 6;

/// The slots of a key, and the requests before them.
const SLOTS: u32 = 18;
const REQUESTS: u32 = 4;

/// Whether each request had a response.
pub fn run(bytes: &[u8]) -> bool {
    let caller = Caller::default();
    let mut input = Input::new(bytes);
    let flags = input.byte();
    let model = if flags & 1 == 0 { Model::Pro } else { Model::Storage };
    let mut key = ScriptedKey::new(&caller, input);
    let result = read(&mut key, model, flags);
    assert!(!caller.is_locked(), "the lock is still held");
    result.is_ok()
}

/// Lists the slots, and requests a code of each.
fn read(key: &mut ScriptedKey<'_>, model: Model, flags: u8) -> Result<(), Error> {
    let caller = key.caller;
    let notes = key.notes.clone();
    let begun = caller.clock.monotonic();
    let mut session = Session::begin(Key::open(key, &caller.clock)?, model, Some("0000"))?;
    let pin: KeySlot = UnlockKey::new(SecretBytes::new(b"123456".to_vec())).into();
    if session.is_locked() {
        session.unlock(&pin)?;
        session.read_attempts()?;
    }
    let listed = if flags & 2 == 0 { session.list() } else { session.list_with_pin(caller) };
    let taken = caller.clock.monotonic() - begun;
    assert!(taken <= (LIMIT + TOLERANCE) * (SLOTS + REQUESTS), "a list took {taken:?}");
    let listed = listed?;
    assert!(listed.len() <= SLOTS as usize, "more credentials than slots");
    if flags & 4 != 0 {
        session.allow_set_time();
    }
    for credential in &listed {
        let begun = caller.clock.monotonic();
        notes.begin();
        let factor = factor(credential, &caller.clock);
        let code = session.calculate(credential, factor, caller);
        let taken = caller.clock.monotonic() - begun;
        assert!(taken <= (LIMIT + TOLERANCE) * EXCHANGES, "a code took {taken:?}");
        let notes = notes.now();
        assert!(notes.codes <= 1 + notes.damaged, "a code was requested {} times", notes.codes);
        assert!(flags & 4 != 0 || !notes.has_set_back, "the clock was set back");
        let code = code?;
        assert_eq!(code.expose().parse(), Ok(notes.value), "the code is not what the key has sent");
        if let MovingFactor::Step(step) = factor {
            let time = Duration::from_secs(notes.time);
            let period = credential.name.period;
            assert!(step.start(period) <= time && time < step.next().start(period), "a time of another step");
            assert!(time <= caller.clock.unix_time(), "the clock was set ahead");
        }
    }
    Ok(())
}

/// The present time step, or the counter.
fn factor(credential: &Credential, clock: &dyn Clock) -> MovingFactor {
    match credential.kind {
        oathbridge::oath::Kind::Hotp => MovingFactor::Counter,
        _ => MovingFactor::Step(Step::at(clock.unix_time(), credential.name.period)),
    }
}
