//! Proof with programs of others: pycognito, cognito-local, moto. Everything is on loopback.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]

mod pycognito;

const DAEMON: &str = env!("CARGO_BIN_EXE_oathbridged");
