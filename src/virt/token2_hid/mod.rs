//! The FIDO interface of a virtual Token2 PIN+, which carries the commands of its OTP application in frames of its own.
//!
//! Sources: those of `src/protocol/token2/`.

mod fault;
mod frame;
mod key;

pub use fault::Token2Fault;
pub(super) use key::Token2Key;
