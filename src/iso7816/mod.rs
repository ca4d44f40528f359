//! The parts of ISO/IEC 7816-4 that OATH tokens use: short APDUs, status words, TLV, application identifiers.
//!
//! This module converts bytes only; it knows neither transports nor protocols.

mod aid;
mod command;
mod response;
pub mod status;
pub mod tlv;

pub use aid::Aid;
pub use command::{Command, TooLong};
pub use response::{Response, Status, Truncated};
