//! The OTP application of a virtual token: its two slots, and its keyboard interface with feature reports of 8 bytes.
//!
//! * [`OtpKey`] takes and gives reports, without thread or randomness.
//! * [`Keyboard`] is the open keyboard interface of a plugged-in [`VirtualToken`](super::VirtualToken).

mod checksum;
mod fault;
mod key;
mod keyboard;
mod response;
mod spec;
#[cfg(test)]
mod tests;

pub use fault::OtpFault;
pub(super) use key::{Conditions, OtpKey};
pub use keyboard::Keyboard;
pub use spec::OtpSlotSpec;
pub(super) use spec::check;
