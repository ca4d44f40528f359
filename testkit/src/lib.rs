//! What oathbridge's tests and demo run against. Not installed.

pub mod bus;
pub mod pcscd;
pub mod vpicc;
pub mod ykman;
