//! The FIDO interface of a virtual token, with reports of 64 bytes, as far as it passes APDUs to the OATH application.
//!
//! * [`FidoKey`] takes and gives reports, without thread or randomness.
//! * [`FidoInterface`] is the open interface of a plugged-in [`VirtualToken`](super::VirtualToken).

mod fault;
mod interface;
mod key;
mod message;
#[cfg(test)]
mod tests;

pub use fault::FidoFault;
pub use interface::FidoInterface;
pub(super) use key::FidoKey;
