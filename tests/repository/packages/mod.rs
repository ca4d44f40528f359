//! What `make install` and the packages install, and what they leave behind.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what is wrong by panicking")]

mod installed;
