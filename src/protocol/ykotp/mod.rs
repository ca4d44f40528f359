//! The OTP application of YubiKeys over their keyboard interface: HMAC-SHA1 challenge-response of its two slots, as TOTP.
//!
//! A request is a frame of 70 bytes in feature reports of 8 bytes, and the response comes in such reports as well; the host
//! looks at the key until the response is there. Nothing keeps two programs from using the interface at once, so each
//! report is checked, and a disturbed request is repeated once. OnlyKeys answer in the same way.
//!
//! Only slots that the user names in the configuration are used: a challenge may require a touch, and a slot may
//! hold the key of something else, such as an encrypted disk.
//!
//! Sources: Yubico's `ykcore` (yubikey-personalization) and `yubikit/core/otp.py` (yubikey-manager) for the frames,
//! [the manual](https://docs.yubico.com/hardware/yubikey/yk-tech-manual/yk5-apps.html) for the slots.

mod challenge;
mod crc;
mod error;
mod exchange;
mod frame;
mod keyboard;
mod lost_wait;
mod report;
mod session;
#[cfg(test)]
mod tests;

pub use error::Error;
pub use keyboard::Keyboard;
pub use lost_wait::LostWait;
pub use report::{SlotNumber, Status};
pub use session::{Session, Slot};
