//! A virtual Token2 PIN+: its OTP application, and the frames on its FIDO interface, without thread or randomness.
//!
//! Sources: those of `src/protocol/token2/`; the application follows the vendor's card application.

mod application;
mod entry;
mod fault;
mod frame;
mod key;

pub(super) use application::{Reply, Token2, Waiting};
pub use fault::Token2Fault;
pub(super) use key::Token2Key;
