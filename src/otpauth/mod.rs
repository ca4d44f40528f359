//! The texts that a new credential comes as: otpauth URIs, Google's migration payloads and bare base32 seeds.
//!
//! `docs/otpauth.md` has the decisions where other programs disagree. Each buffer with a secret is wiped.

mod credential;
mod error;
mod label;
pub mod migration;
mod query;
mod seed;
mod uri;
mod wire;
mod write;

#[cfg(test)]
mod tests;

pub use credential::NewCredential;
pub use error::Error;
pub use seed::seed;
pub use uri::{is_uri, parse};
pub use write::to_uri;
