//! New credentials as text: `otpauth:` URIs as programs write them, and bare seeds in base32.
//!
//! The format is that of the Key Uri Format of Google Authenticator. Programs deviate from it and from each other;
//! `docs/otpauth.md` has the decisions.

mod error;
mod seed;
#[cfg(test)]
mod tests;
mod uri;

pub use error::Error;
pub use seed::seed;
pub use uri::{is_uri, parse};
