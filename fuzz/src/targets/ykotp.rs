//! The reader of the frames of OTP keys (`src/protocol/ykotp/`).

use std::time::Duration;

use oathbridge::clock::Clock;
use oathbridge::otp::Step;
use oathbridge::protocol::ykotp::{Error, Keyboard, SlotNumber};

use super::super::caller::Caller;
use super::super::input::Input;
use super::ykotp_key::{ScriptedKey, checksum};

/// The longest request without a touch: twice the wait for the lock (1 s), for an idle key (2 s), for the key (3 s),
/// and for the lock and the end of the request after an error (2 s).
const LIMIT: Duration = Duration::from_secs(16);

/// The longest time after the first wait for a touch: the touch (35 s), the lock and the end of the request.
const TOUCH_LIMIT: Duration = Duration::from_secs(38);

/// The longest time from the caller's departure to the end: a frame (3 s) is not interrupted.
const LEAVE_LIMIT: Duration = Duration::from_secs(8);

/// The longest delay of the script, which may lie between two looks at the clock.
const TOLERANCE: Duration = Duration::from_millis(2_100);

/// The residual of a response with its checksum.
const RESIDUAL: u16 = 0xf0b8;

/// Whether each request had a response.
pub fn run(bytes: &[u8]) -> bool {
    let caller = Caller::default();
    let mut key = ScriptedKey::new(&caller, Input::new(bytes));
    let mut all = true;
    for slot in [None, Some(SlotNumber::Two)] {
        let (begun, touches, frames) = (caller.clock.monotonic(), caller.touches(), key.frames);
        key.pieces.clear();
        key.has_waited = false;
        let mut keyboard = Keyboard::new(&mut key, &caller.clock);
        let has_status = keyboard.status().is_ok();
        let response = match slot {
            None => keyboard.serial().map(|serial| serial.to_be_bytes().to_vec()),
            Some(slot) => keyboard.hmac(slot, Step(1), &caller).map(|digest| digest.to_vec()),
        };
        drop(keyboard);
        check(&key, begun, caller.touches() - touches, key.frames - frames, slot.is_some());
        if let Ok(response) = &response {
            let expected = if slot.is_some() { 20 } else { 4 };
            assert_eq!(response.len(), expected, "a response of another length");
            assert!(was_sent(response, &key.pieces), "the response is not what the key has sent");
        }
        all &= has_status && response.is_ok();
        if matches!(response, Err(Error::Device(_))) {
            break;
        }
    }
    all
}

fn check(key: &ScriptedKey<'_>, begun: Duration, touches: usize, frames: usize, is_cancellable: bool) {
    let caller = key.caller;
    let taken = caller.clock.monotonic() - begun;
    let limit = if !key.has_waited || !is_cancellable { LIMIT } else { LIMIT + TOUCH_LIMIT };
    assert!(taken <= limit + TOLERANCE, "a request took {taken:?}");
    if let Some(gone_for) = caller.gone_for().filter(|_| is_cancellable) {
        assert!(gone_for.min(taken) <= LEAVE_LIMIT + TOLERANCE, "a caller that left was not noticed");
    }
    assert!(touches <= 1, "a touch was requested twice");
    assert!(frames <= 2, "a request was sent {frames} times");
    assert!(!caller.is_locked(), "the lock is still held");
}

/// Whether the pieces have this response with a valid checksum.
fn was_sent(response: &[u8], pieces: &[u8]) -> bool {
    pieces
        .windows(response.len() + 2)
        .any(|window| window.starts_with(response) && checksum(window) == RESIDUAL)
}
