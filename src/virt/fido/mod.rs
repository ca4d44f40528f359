//! The FIDO interface of a virtual token, with reports of 64 bytes, as far as it passes APDUs to the OATH application.
//!
//! [`FidoKey`] takes and gives reports, without thread or randomness.

mod fault;
mod key;
mod message;

pub use fault::FidoFault;
pub(super) use key::FidoKey;
