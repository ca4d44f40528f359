//! The flows with a virtual token and a fake Cognito on one manual clock.

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
mod own_clock;
mod refusals;
mod retries;
mod rig;
mod verify;
