//! The transports of real devices. Only this module uses C libraries.
//!
//! * [`hid`]: USB devices that exchange HID reports, through the kernel's hidraw nodes.
//! * [`pcsc`]: smart cards and USB tokens through the smart card service, pcscd.

pub mod hid;
pub mod pcsc;
mod trace;
