//! ISO/IEC 7816-4 as far as OATH tokens need it: short APDUs, status words, TLV, application identifiers.
//!
//! Bytes only: nothing here knows a transport or a protocol.

mod aid;
mod command;
mod response;
pub mod tlv;

pub use aid::Aid;
pub use command::{Command, TooLong};
pub use response::{Response, Status, Truncated};
