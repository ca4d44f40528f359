//! How bytes get to tokens. The only folder that blocks, and the only one that knows C libraries.
//!
//! * [`pcsc`]: cards and keys behind the smart card service, pcscd.

pub mod pcsc;
mod trace;
