//! What oathbridge's tests and demo run against. Not installed.

pub mod bus;
pub mod fake_cognito;
pub mod pcscd;
pub mod vpicc;
pub mod ykman;
