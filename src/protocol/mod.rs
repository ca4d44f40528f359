//! What tokens speak, each protocol over [`crate::device`] and none knowing a transport.
//!
//! * [`ykoath`]: Yubico's OATH protocol over ISO 7816, which most vendors' tokens understand.

pub mod ykoath;
