//! oathbridge: codes from hardware OATH tokens, on the session bus, submitted to Amazon Cognito.
//!
//! The tour, bottom up. Every module may use the ones above it in this list and none below it
//! (`tests/layers.rs` keeps it so):
//!
//! * [`clock`], [`secret`]: leaves that anybody may use;
//! * [`iso7816`]: command and response APDUs, status words, TLV; bytes only;
//! * [`otp`]: HOTP and TOTP arithmetic (RFC 4226, RFC 6238), without a token;
//! * [`device`]: the seam between bytes and protocols: `Transport`, `Device`, `Transaction`;
//! * [`transport`]: how bytes get to tokens: PC/SC; the only folder that blocks;
//! * [`protocol`]: what tokens speak: YKOATH.

pub mod clock;
pub mod device;
pub mod iso7816;
pub mod otp;
pub mod protocol;
pub mod secret;
pub mod transport;
