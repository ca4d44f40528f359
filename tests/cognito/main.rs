//! The Cognito client against the fake: every class of failure, on a real socket, through the real SDK.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that panics has failed")]

mod answers;
mod challenge;
mod fake;
mod reuse;
mod rig;
mod silence;
mod tls;
mod unreachable;
