//! The transports of real devices. Only this module uses C libraries.
//!
//! * [`hid`]: USB devices that exchange HID reports, through the kernel's hidraw nodes.
//! * [`pcsc`]: smart cards and USB tokens through the smart card service, pcscd.

pub mod hid;
mod interrupt;
pub mod pcsc;
mod trace;

use crate::device::Presence;

/// Passes a report on only if it differs from the one before it.
fn changes(mut report: impl FnMut(Presence) -> bool) -> impl FnMut(Presence) -> bool {
    let mut last = None;
    move |presence| {
        if last.as_ref() == Some(&presence) {
            return true;
        }
        last = Some(presence.clone());
        report(presence)
    }
}
