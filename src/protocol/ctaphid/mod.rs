//! APDUs over the FIDO interface of a key: CTAPHID messages with a command of the vendor, as Nitrokey 3 and other Trussed
//! keys have it.
//!
//! [`Key`] is a [`crate::device::Transaction`], so that [`super::ykoath`] runs over it unchanged. Other programs, such as
//! browsers, use the same interface at the same time. Every program sees all reports of the key, and the message of one
//! program can end the request of another one. So every report is read, and a request that was dropped is sent again.
//!
//! Sources: [CTAP 2.1 §11.2](https://fidoalliance.org/specs/fido-v2.1-ps-20210615/) for the framing, the documentation
//! of Nitrokey's secrets application (trussed-secrets-app, `docs/ctaphid.md`) for the command, and measurements with
//! firmware 1.9.0-rc.1 for what differs from both.

mod assembly;
mod channel;
mod error;
mod exchange;
mod frame;
mod key;
mod request;
#[cfg(test)]
mod tests;

pub use error::Error;
pub use key::{Key, OwnChannel};
