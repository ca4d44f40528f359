//! The flows against a virtual token and a fake Cognito that run by the same clock, which the tests move by hand.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::unwrap_in_result,
    reason = "a test says what is wrong by panicking"
)]

mod apdus;
mod challenge;
mod choice;
mod code;
mod retries;
mod rig;
mod verify;
