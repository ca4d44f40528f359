//! The Cognito client against the fake: every class of failure, on a real socket, through the real SDK. Then the flows
//! that use it, and other services that speak its protocol.

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
