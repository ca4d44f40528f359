//! oathbridge: codes from hardware OATH tokens, on the session bus, submitted to Amazon Cognito.
//!
//! The tour, bottom up. Every module may use the ones above it in this list and none below it
//! (`tests/layers.rs` keeps it so):
//!
//! * [`clock`], [`config`], [`secret`]: leaves that anybody may use;
//! * [`iso7816`]: command and response APDUs, status words, TLV; bytes only;
//! * [`otp`]: HOTP and TOTP arithmetic (RFC 4226, RFC 6238), without a token;
//! * [`device`]: the seam between bytes and protocols: `Transport`, `Device`, `Transaction`;
//! * [`guard`]: the single-use record: which time step of which seed was spent.

pub mod clock;
pub mod config;
pub mod device;
pub mod guard;
pub mod iso7816;
pub mod otp;
pub mod secret;
