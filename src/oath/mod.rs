//! The types of all families of OATH tokens: credentials, requests for codes, and sessions.
//!
//! A family is a protocol, for example YKOATH. Each family implements [`OathSession`] in `crate::protocol`. Only
//! `crate::token` refers to individual families.

mod credential;
mod error;
mod id;
mod key_slot;
mod new_credential;
mod request;
mod session;

pub use crate::otp::Algorithm;
pub use credential::{Credential, CredentialName, Kind, Touch};
pub use error::Error;
pub use id::{InvalidId, MAX_ID_BYTES, ObjectId, TokenId};
pub use key_slot::{KeySlot, UnlockKey};
pub use new_credential::NewCredential;
pub use request::{CodeRequest, CodeResult, MovingFactor, When};
pub use session::{OathSession, PinRules, SelfDescription};
