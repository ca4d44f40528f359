//! A virtual Nitrokey Pro: its OTP slots behind feature reports of 64 bytes, without thread or randomness.

mod checksum;
mod commands;
mod fault;
mod key;
mod slot;

pub use fault::NitrokeyProFault;
pub(super) use key::{NitrokeyProKey, REPORT};
