//! The OTP application of Token2 PIN+ keys, which is not YKOATH. Its commands are the same over a smart card reader
//! ([`Card`]) and over the key's FIDO interface ([`Key`]).
//!
//! The key calculates a code for the Unix time that the host sends, and sends the code as text. One command lists all
//! entries, in pages, with the codes of those that need neither a touch nor a counter; another one reads one entry by its
//! name, and advances a counter. Both are plain. The key encrypts its lists and codes only while a PIN is set, for the
//! host that has opened a session by ECDH with the PIN; new entries are always encrypted like that. This module opens no
//! such session: a key with a PIN counts as locked, and nothing is written.
//!
//! Over HID the application has a framing of its own on the FIDO interface, which is not CTAPHID. A key whose HID
//! function is switched off takes the first report for a CTAPHID message, and answers with CTAPHID's error; such a key has
//! its application over smart card readers only.
//!
//! Sources: the vendor's card application (token2-otp-applet, `Token2OtpApplet.java`) and programs
//! (`T2TOTP_Authenticator`, `src/proto.rs` and `src/transport.rs`; librekeycompanion), and keyroost
//! (`keyroost-token2otp`; issue 95 for keys without the HID function). No real key was at hand.

mod card;
mod carrier;
mod command;
mod entry;
mod error;
mod frame;
mod insertion;
mod key;
mod pin;
mod serial;
mod session;
#[cfg(test)]
mod tests;

pub use card::Card;
pub use carrier::{Carrier, Wait};
pub use error::Error;
pub use insertion::Insertion;
pub use key::Key;
pub use session::Session;
