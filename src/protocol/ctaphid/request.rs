//! A command APDU as the message of a request, and what may happen while the key handles it.

use std::time::Duration;

use zeroize::Zeroizing;

use crate::iso7816::Command;

/// Commands that never wait for a touch: SELECT, LIST, CALCULATE ALL and SEND REMAINING.
const QUICK: [u8; 3] = [0xa4, 0xa1, 0xa5];

/// CALCULATE.
const CALCULATE: u8 = 0xa2;

/// The last element of CALCULATE for a counter: an empty challenge.
const NO_CHALLENGE: [u8; 2] = [0x74, 0x00];

/// The maximum wait for a response without a touch. The longest measured one, of a list, is 0.3 s.
const QUICK_LIMIT: Duration = Duration::from_secs(3);

/// The maximum wait for a response after a touch. The key itself ends its wait after 15.1 s.
const TOUCH_LIMIT: Duration = Duration::from_secs(17);

/// A request to the secrets application.
pub(super) struct Request {
    /// The APDU, without Le.
    pub(super) message: Zeroizing<Vec<u8>>,
    /// The maximum wait for the response.
    pub(super) limit: Duration,
    /// Whether the key may wait for a touch.
    pub(super) may_wait_for_touch: bool,
    /// Whether the request may be sent again although the key may have carried it out.
    pub(super) is_repeatable: bool,
}

impl Request {
    pub(super) fn new(command: &Command) -> Self {
        let mut message = Zeroizing::new(command.to_bytes());
        // Le is the last byte of each command.
        message.pop();
        let is_quick = QUICK.contains(&command.instruction());
        // Each calculation advances a counter.
        let advances = command.instruction() == CALCULATE && message.ends_with(&NO_CHALLENGE);
        Self {
            limit: if is_quick { QUICK_LIMIT } else { TOUCH_LIMIT },
            may_wait_for_touch: !is_quick,
            is_repeatable: !command.is_once()
                && (is_quick || (command.instruction() == CALCULATE && !advances)),
            message,
        }
    }
}
