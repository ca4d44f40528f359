//! The Cognito client with the fake: every class of error, on a real socket, through the real SDK. Also the flows that use
//! the client, and third-party emulators.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that panics has failed")]

mod answers;
mod challenge;
mod cognito_logs;
mod emulators;
mod fake;
mod flows;
mod reuse;
mod rig;
mod silence;
mod tls;
mod unreachable;
