//! oathbridge: codes from hardware OATH tokens, on the session bus, submitted to Amazon Cognito.
//!
//! The tour, bottom up. Every module may use the ones above it in this list and none below it
//! (`tests/layers.rs` keeps it so):
//!
//! * [`clock`], [`secret`], [`state_file`]: leaves that anybody may use;
//! * [`iso7816`]: command and response APDUs, status words, TLV; bytes only;
//! * [`otp`]: HOTP and TOTP arithmetic (RFC 4226, RFC 6238), without a token;
//! * [`device`]: the seam between bytes and protocols: `Transport`, `Device`, `Transaction`;
//! * [`protocol`]: what tokens speak: YKOATH;
//! * [`token`]: one attached token: a worker thread, and the handle to it;
//! * [`registry`]: what is attached now, as immutable snapshots.
//! * [`guard`]: the single-use record: which time step of which seed was spent.
//! * [`cognito`]: the client for Amazon Cognito; knows neither tokens nor D-Bus.
//! * [`virt`]: a token made of software, and its transport.

pub mod clock;
pub mod cognito;
pub mod device;
pub mod guard;
pub mod iso7816;
pub mod otp;
pub mod protocol;
pub mod registry;
pub mod secret;
pub mod state_file;
pub mod token;
pub mod virt;
