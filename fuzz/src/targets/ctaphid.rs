//! The reader of CTAPHID frames (`src/protocol/ctaphid/`).

use std::time::Duration;

use oathbridge::clock::Clock;
use oathbridge::device::Error as DeviceError;
use oathbridge::iso7816::{Aid, Command};
use oathbridge::protocol::ctaphid::{Error, Key, OwnChannel};

use super::super::caller::Caller;
use super::super::input::Input;
use super::ctaphid_key::{MAX_SILENCE, ScriptedKey};

/// The longest exchange: 34 s, a wait for the lock and a cancellation. A worker that needs 40 s counts as stuck.
const EXCHANGE_LIMIT: Duration = Duration::from_millis(37_000);

/// The longest allocation, "within about a second", and a wait for the lock.
const CONNECT_LIMIT: Duration = Duration::from_millis(2_600);

/// The longest time from the caller's departure to the end. A new channel may have to be allocated first.
const LEAVE_LIMIT: Duration = Duration::from_millis(5_500);

/// Whether each command had a response.
pub fn run(bytes: &[u8]) -> bool {
    let caller = Caller::default();
    let mut key = ScriptedKey::new(&caller, Input::new(bytes));
    let own = OwnChannel::default();
    let commands = commands();
    let mut count = 0;
    for (command, advances_counter) in &commands {
        let begun = caller.clock.monotonic();
        let connected = Key::connect(&mut key, &caller.clock, &own).map(drop);
        within(&caller, begun, CONNECT_LIMIT, "an allocation");
        if let Err(error) = connected {
            assert!(!matches!(error, Error::Sequence { .. }), "a message was read without a channel");
            break;
        }
        match exchange(&mut key, &own, command, *advances_counter) {
            Ok(()) => count += 1,
            Err(Error::Device(DeviceError::Removed)) => break,
            Err(_) => {}
        }
    }
    count == commands.len()
}

/// SELECT, LIST, CALCULATE for a step, and CALCULATE for a counter.
fn commands() -> Vec<(Command, bool)> {
    let command = |instruction, data: &[u8]| Command::new(instruction, 0, 1, data.to_vec());
    let for_step = command(0xa2, b"\x71\x03Otp\x74\x08\0\0\0\0\0\0\0\x01");
    let for_counter = command(0xa2, b"\x71\x03Ctr\x74\x00");
    let calculations = [(for_step, false), (for_counter, true)];
    let calculations =
        calculations.into_iter().filter_map(|(command, advances)| Some((command.ok()?, advances)));
    [(Aid::OATH.select(), false), (Command::bare(0xa1, 0, 0), false)]
        .into_iter()
        .chain(calculations)
        .collect()
}

fn exchange(
    key: &mut ScriptedKey<'_>,
    own: &OwnChannel,
    command: &Command,
    advances: bool,
) -> Result<(), Error> {
    let caller = key.caller;
    let begun = caller.clock.monotonic();
    key.seen = Default::default();
    let response = Key::connect(key, &caller.clock, own)?.exchange(command, caller);
    within(caller, begun, EXCHANGE_LIMIT, "an exchange");
    if let Some(gone_for) = caller.gone_for() {
        assert!(
            gone_for.min(caller.clock.monotonic() - begun) <= LEAVE_LIMIT + MAX_SILENCE,
            "a caller that left was not noticed"
        );
    }
    assert!(!caller.is_locked(), "the lock is still held");
    let seen = &key.seen;
    assert!(!advances || seen.requests <= 1 + seen.errors, "a counter was advanced twice");
    let response = response?;
    let message = [&response.status.0.to_be_bytes()[..], &response.data].concat();
    assert_eq!(message.len(), seen.announced, "the response has not the announced length");
    assert!(seen.data.starts_with(&message), "the response is not what the key has sent");
    Ok(())
}

fn within(caller: &Caller, begun: Duration, limit: Duration, what: &str) {
    let taken = caller.clock.monotonic() - begun;
    assert!(taken <= limit + MAX_SILENCE, "{what} took {taken:?}");
}
