//! `oathbridgectl` as used by persons and scripts: the real programs on a private bus, with virtual tokens.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what is wrong by panicking"
)]

mod backup;
mod changes;
mod code;
mod complete;
mod configuration;
mod copy;
mod forged;
mod guard;
mod list;
mod members;
mod password;
mod profile;
mod qr;
mod questions;
mod requests;
mod rig;
mod served;
mod shells;
mod sign_in;
mod specs;
mod systemd;
mod terminal;
mod unlock;
mod unread;
mod verify;
