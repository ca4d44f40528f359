//! The OTP application of a virtual token: its two slots, behind feature reports of 8 bytes, without thread or randomness.

mod checksum;
mod fault;
mod key;
mod response;

pub use fault::OtpFault;
pub(super) use key::{Conditions, OtpKey};
