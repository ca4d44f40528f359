//! Tests with third-party programs on loopback: pycognito, cognito-local, moto.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]

mod account;
mod api;
mod comparison;
mod pycognito;
mod scenarios;
mod server;
mod table;
mod world;
