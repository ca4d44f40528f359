//! The transports of real devices. Only this module uses C libraries.
//!
//! * [`pcsc`]: smart cards and USB tokens through the smart card service, pcscd.

pub mod pcsc;
mod trace;
