//! A code belongs to the time step that was asked for.

use std::sync::Arc;
use std::time::Duration;

use super::{Fake, response, zeros};
use crate::clock::{Clock, ManualClock};
use crate::device::{self, NoProgress};
use crate::oath::{Error, MovingFactor, OathSession};
use crate::otp::Step;
use crate::protocol::nitrokey_pro::{Key, Model, Session};

/// A token that needs so long for its code that it may be that of the next step.
#[test]
fn a_late_code_is_not_taken() {
    for (late, expected) in [(8, Ok("000007".to_owned())), (9, Err(Error::Device(device::Error::Reset)))] {
        // In the first slot: the account "a", 6 digits, and a period of 30 s.
        let mut slot = [0; 37];
        (slot[0], slot[29]) = (b'a', 30);
        let clock = Arc::new(ManualClock::at(Duration::from_secs(3_000)));
        let slow = clock.clone();
        let mut fake = Fake::new(move |sent, _| match sent.last() {
            None => zeros(),
            Some(request) => {
                if request[0] == 4 {
                    slow.advance(Duration::from_secs(late));
                }
                response(request, 0, if request[0] == 4 { &[7, 0, 0, 0, 0] } else { &slot })
            }
        });
        let mut session = Session::begin(Key::open(&mut fake, &*clock).unwrap(), Model::Pro, None).unwrap();
        let credential = session.list().unwrap().remove(0);
        clock.set_unix_time(Duration::from_secs(3_029));
        let code = session.calculate(&credential, MovingFactor::Step(Step(100)), &NoProgress);
        assert_eq!(code.map(|code| code.expose().to_owned()), expected, "after {late} s");
        assert!(clock.monotonic() < Duration::from_secs(11));
    }
}
