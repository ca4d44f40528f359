//! The OTP slots of Nitrokey Pro, Nitrokey Storage and Librem Key over their HID interface, which is a generic one, or a keyboard
//! with older firmware.
//!
//! A request is one feature report of 64 bytes, and so is the response, which names the request by its checksum. The host
//! looks at the token until the response is there: the token shows whether it is busy, so the fixed pauses of the vendor's
//! programs (100 ms, or 40 ms for a Storage) are not needed. Nothing keeps two programs from using the interface at once.
//!
//! The token calculates TOTP codes for the time of its own clock, which has no battery and cannot be read. So the daemon
//! gives it the time before each code, as the vendor's programs do. The token itself refuses a time before the last one;
//! only with [`Session::allow_set_time`](crate::oath::OathSession::allow_set_time) is its clock set back. A code belongs
//! to the time step that was asked for, because the time lies far enough from the end of that step.
//!
//! Sources: the firmware (`report_protocol.c` and `hotp.c` of nitrokey-pro-firmware and nitrokey-storage-firmware), and
//! libnitrokey.

mod attempts;
mod crc;
mod error;
mod exchange;
mod key;
mod report;
mod session;
mod slot;
#[cfg(test)]
mod tests;

pub use attempts::KnownAttempts;
pub use error::Error;
pub use key::{Authentication, CodeRequest, Key, Moment, Status, TemporaryPassword, TimeSet};
pub use session::{Model, Session};
pub use slot::{Slot, SlotNumber};
